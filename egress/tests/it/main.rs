//! egress as it is rendered, and as it runs alone.

mod rendered;
