//! git-gate as it is rendered.

#[cfg(test)]
mod rendered;
