//! How much memory a program that runs has ever taken.

/// The most that this process took, and each child of it that is still there, in bytes.
pub(crate) fn peaks(process: u32) -> Vec<u64> {
    let children = format!("/proc/{process}/task/{process}/children");
    let children = std::fs::read_to_string(children).unwrap_or_default();
    let all = children.split_whitespace().map(|child| child.parse().unwrap());
    std::iter::once(process).chain(all).map(peak).collect()
}

fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}
