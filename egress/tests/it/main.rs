//! egress as it is rendered, and as it runs alone.

#[cfg(test)]
mod rendered;
