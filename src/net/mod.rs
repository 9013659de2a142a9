//! What every protocol over a socket needs, whatever it says there.
//!
//! - [`connect`]: a limit on the time that connecting takes, chosen by whoever asked for the connection.
//! - [`tls`]: whom to trust.

pub mod connect;
pub mod tls;
