//! What a process that holds keys gives up before it reads the first of them.

use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use std::io;

/// Makes this process not dumpable and its core files empty.
///
/// Not dumpable also means that no other process of the same uid may trace it or read its memory
/// or environment through `/proc`.
pub fn harden() -> io::Result<()> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    prctl::set_dumpable(false)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::resource::getrlimit;

    #[test]
    fn a12_leaves_no_core_and_is_not_dumpable() {
        harden().unwrap();
        assert_eq!(getrlimit(Resource::RLIMIT_CORE).unwrap(), (0, 0));
        assert!(!prctl::get_dumpable().unwrap());
    }
}
