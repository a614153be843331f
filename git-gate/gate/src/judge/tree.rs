//! The names in a tree object: what no listing of new objects shows, when an old file gets a new name.

use std::io::Read;

use anyhow::Context as _;

use super::Unjudged;

/// Larger trees than this are no folder of anybody's.
const LIMIT: u64 = 64 << 20;

/// Every name, each on a line.
pub(super) fn names(tree: &mut dyn Read, object: usize) -> Result<Vec<u8>, Unjudged> {
    let mut bytes = Vec::new();
    tree.take(LIMIT).read_to_end(&mut bytes).context("cannot read a tree")?;
    let mut names = Vec::new();
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let entry = entry(rest, object).context("a tree is not in git's form")?;
        names.extend_from_slice(entry.0);
        names.push(b'\n');
        rest = entry.1;
    }
    Ok(names)
}

/// `<mode> <name>\0<object>`, and what follows.
fn entry(bytes: &[u8], object: usize) -> Option<(&[u8], &[u8])> {
    let space = bytes.iter().position(|&byte| byte == b' ')?;
    let rest = bytes.get(space + 1..)?;
    let end = rest.iter().position(|&byte| byte == 0)?;
    Some((rest.get(..end)?, rest.get(end + 1 + object..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_names_and_refuses_what_is_cut_short() {
        let mut tree = b"100644 a b\0".to_vec();
        tree.extend([7; 20]);
        tree.extend(b"40000 dir\0");
        tree.extend([0; 20]);
        assert_eq!(names(&mut tree.as_slice(), 20).unwrap(), b"a b\ndir\n");
        assert!(names(&mut &tree[..tree.len() - 1], 20).is_err());
    }
}
