//! The two examples do what they say: what one shares, the other downloads.
#![allow(clippy::unwrap_used)] // a helper outside of test functions
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Examples lie beside the folder of the test's own binary.
fn example(name: &str) -> Command {
    let me = std::env::current_exe().unwrap();
    let path: PathBuf = me.parent().unwrap().parent().unwrap().join("examples").join(name);
    Command::new(path)
}

#[test]
fn one_example_shares_and_the_other_downloads() {
    let base = std::env::temp_dir().join(format!("teem-examples-{}", std::process::id()));
    let (content, out) = (base.join("content"), base.join("out"));
    fs::create_dir_all(content.join("sub")).unwrap();
    fs::create_dir_all(&out).unwrap();
    let bytes: Vec<u8> = (0..300_000_u32).flat_map(|n| (n.wrapping_mul(2_654_435_761)).to_le_bytes()).collect();
    fs::write(content.join("a file"), &bytes).unwrap();
    fs::write(content.join("sub/empty"), "").unwrap();

    let mut sharing = example("share_folder")
        .arg(&content)
        .env("TEEM_STATE_DIR", base.join("state1"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut magnet = String::new();
    BufReader::new(sharing.stdout.take().unwrap()).read_line(&mut magnet).unwrap();
    let got = example("download_magnet")
        .args([magnet.trim(), out.to_str().unwrap()])
        .env("TEEM_STATE_DIR", base.join("state2"))
        .status()
        .unwrap();
    drop(sharing.stdin.take());
    assert!(sharing.wait().unwrap().success());
    assert!(got.success());
    assert!(fs::read(out.join("content/a file")).unwrap() == bytes);
    assert_eq!(fs::read(out.join("content/sub/empty")).unwrap(), b"");
    fs::remove_dir_all(base).unwrap();
}
