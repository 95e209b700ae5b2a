//! Large pages for worlds that fill hundreds of megabytes (own design).
//!
//! A world touches all of its memory again and again, a little at each peer; with pages of 4 KiB the processor looks up most of
//! them anew each time. The GNU C library asks Linux for pages of 2 MiB when it is told so before the program begins
//! (`glibc.malloc.hugetlb`), so the program begins once more. Elsewhere that changes nothing, and nowhere what is computed.

/// Begins the program anew with large pages for its memory, once; where that cannot be, it goes on as it is.
pub fn use_large_pages() {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::process::CommandExt;
        const TUNABLES: &str = "GLIBC_TUNABLES";
        if std::env::var_os(TUNABLES).is_none()
            && let Ok(program) = std::env::current_exe()
        {
            let mut args = std::env::args_os();
            let name = args.next().unwrap_or_default();
            // Returns only when it has failed.
            let _ = std::process::Command::new(program)
                .arg0(name)
                .args(args)
                .env(TUNABLES, "glibc.malloc.hugetlb=1")
                .exec();
        }
    }
}
