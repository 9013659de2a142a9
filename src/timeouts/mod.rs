//! Time: operations and scopes that end by the loop's clock.

pub mod move_on;
pub mod sleep;
pub mod timeout;
