//! The most memory that this process held, as Linux counts it. Elsewhere it is not known.

/// The most bytes that were resident since [`forget`], or since the process began.
pub(crate) fn bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

/// Has counting begin anew. Where it cannot, what came before counts too.
pub(crate) fn forget() {
    // The kernel's name for it: proc(5), clear_refs.
    drop(std::fs::write("/proc/self/clear_refs", "5"));
}
