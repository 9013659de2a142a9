//! Many requests at once.

mod adapt;
