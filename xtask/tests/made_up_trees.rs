//! The structure check refuses what it should: each test writes a small workspace, with one thing wrong in it, and
//! looks for the place and the advice in what the check says.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use xtask::tidy::owed::Owed;

/// A workspace in a temporary folder, deleted at the end.
struct Tree(PathBuf);

impl Tree {
    /// A tidy workspace of two crates, `wire` above `bencode`, with the given files added or replaced.
    fn new(files: &[(&str, &str)]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("teem-tidy-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let tree = Self(std::env::temp_dir().join(name));
        let lib = "//! BEP 3.\n#![no_std]\n#![forbid(unsafe_code)]\n";
        tree.write("Cargo.toml", "[package]\nname = \"teem\"\n[dependencies]\nteem-wire.workspace = true\n");
        tree.write("src/main.rs", "//! The binary.\nfn main() {}\n");
        tree.write("crates/bencode/Cargo.toml", "[package]\nname = \"teem-bencode\"\n");
        tree.write("crates/bencode/src/lib.rs", lib);
        let below = "[package]\nname = \"teem-wire\"\n[dependencies]\nteem-bencode.workspace = true\n";
        tree.write("crates/wire/Cargo.toml", below);
        tree.write("crates/wire/src/lib.rs", lib);
        for (path, text) in files {
            tree.write(path, text);
        }
        tree
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("the temporary folder is writable");
        fs::write(path, text).expect("the temporary folder is writable");
    }

    fn findings(&self, owed: Owed) -> Vec<String> {
        xtask::tidy::check(&self.0, &owed).expect("readable").iter().map(ToString::to_string).collect()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The check says one thing, and that has all of `parts` in it.
#[track_caller]
fn refused(files: &[(&str, &str)], parts: &[&str]) {
    let findings = Tree::new(files).findings(Owed::default());
    assert_eq!(findings.len(), 1, "{findings:#?}");
    for part in parts {
        assert!(findings[0].contains(part), "{part:?} is not in {:?}", findings[0]);
    }
}

#[track_caller]
fn accepted(files: &[(&str, &str)]) {
    assert_eq!(Tree::new(files).findings(Owed::default()), Vec::<String>::new());
}

const LIB: &str = "//! BEP 3.\n#![no_std]\n#![forbid(unsafe_code)]\n";

fn lib(rest: &str) -> String {
    format!("{LIB}{rest}")
}

#[test]
fn a_tidy_tree_is_accepted() {
    accepted(&[]);
}

#[test]
fn an_upward_dependency() {
    let text = "[package]\nname = \"teem-bencode\"\n[dependencies]\nteem-wire = { path = \"../wire\" }\n";
    refused(
        &[("crates/bencode/Cargo.toml", text)],
        &["crates/bencode/Cargo.toml:4", "teem-bencode must not depend on teem-wire", "move what is shared down"],
    );
    let renamed =
        "[package]\nname = \"teem-bencode\"\n[dev-dependencies]\nw = { package = \"teem-wire\", path = \"../wire\" }\n";
    refused(&[("crates/bencode/Cargo.toml", renamed)], &["Cargo.toml:4", "must not depend on teem-wire"]);
}

#[test]
fn a_crate_without_a_row_in_the_table() {
    refused(
        &[("crates/odd/Cargo.toml", "[package]\nname = \"teem-odd\"\n"), ("crates/odd/src/lib.rs", "//! Odd.\n")],
        &["teem-odd is not in the table"],
    );
}

#[test]
fn serde_in_the_core() {
    let text = "[package]\nname = \"teem-bencode\"\n[dependencies]\nserde = \"1\" # saves typing\n";
    refused(&[("crates/bencode/Cargo.toml", text)], &["Cargo.toml:4", "must not name serde"]);
}

#[test]
fn a_module_cycle() {
    let advice = "move what both need into a module below them";
    refused(
        &[
            ("crates/wire/src/lib.rs", &lib("mod a;\nmod b;\n")),
            ("crates/wire/src/a.rs", "//! BEP 3.\nuse crate::b::B;\npub(crate) struct A(B);\n"),
            ("crates/wire/src/b.rs", "//! BEP 3.\n\npub(crate) struct B;\nfn f(_: super::a::A) {}\n"),
        ],
        &["crates/wire/src/a.rs:2", "crate::a", "crates/wire/src/b.rs:4", advice],
    );
}

#[test]
fn a_module_cycle_through_names_passed_on() {
    refused(
        &[
            ("crates/wire/src/lib.rs", &lib("mod a;\nmod b;\npub use a::A;\n")),
            ("crates/wire/src/a.rs", "//! BEP 3.\nuse crate::b::*;\npub(crate) struct A(B);\n"),
            ("crates/wire/src/b.rs", "//! BEP 3.\npub(crate) struct B;\nfn f(_: crate::A) {}\n"),
        ],
        &["crates/wire/src/a.rs:2", "crates/wire/src/b.rs:3 names A of"],
    );
    refused(
        &[
            ("crates/wire/src/lib.rs", &lib("mod a;\nfn f() { a::g() }\npub(crate) const LIMIT: usize = 1;\n")),
            ("crates/wire/src/a.rs", "//! BEP 3.\npub(crate) fn g() -> usize { crate::LIMIT }\n"),
        ],
        &["crates/wire/src/lib.rs:5", "names LIMIT"],
    );
}

#[test]
fn what_is_no_module_cycle() {
    // A parent that passes on its child's names, a file that extends its parent's type, and tests.
    accepted(&[
        ("crates/wire/src/lib.rs", &lib("mod a;\nmod b;\npub use a::A;\npub(crate) struct Root;\n")),
        (
            "crates/wire/src/a.rs",
            "//! BEP 3.\nuse super::Root;\nuse alloc::vec::Vec;\npub(crate) struct A;\nimpl Root { fn f(&self) -> A { A } }\n\
             #[cfg(test)]\nmod tests { use crate::b::B; }\n",
        ),
        ("crates/wire/src/b.rs", "//! BEP 3.\npub(crate) struct B(crate::A);\n"),
    ]);
}

#[test]
fn a_file_of_601_lines() {
    let long = |lines: usize| format!("//! BEP 3.\n{}", "// more\n".repeat(lines - 1));
    accepted(&[("crates/wire/src/lib.rs", &lib("mod a;\n")), ("crates/wire/src/a.rs", &long(600))]);
    refused(
        &[("crates/wire/src/lib.rs", &lib("mod a;\n")), ("crates/wire/src/a.rs", &long(601))],
        &["crates/wire/src/a.rs:601", "601 lines, at most 600", "split it"],
    );
}

#[test]
fn a_head_that_is_missing_or_names_no_source() {
    refused(&[("src/main.rs", "fn main() {}\n")], &["src/main.rs:1", "no `//!` at the head"]);
    let vague = LIB.replace("BEP 3", "Various things");
    refused(&[("crates/wire/src/lib.rs", &vague)], &["crates/wire/src/lib.rs:1", "names no source"]);
    let own = LIB.replace("BEP 3", "Our own design");
    accepted(&[("crates/wire/src/lib.rs", &own)]);
}

#[test]
fn a_panic_without_a_reason() {
    let main = |above: &str| {
        format!(
            "//! M.\nfn main() {{\n    {above}\n    a().unwrap();\n}}\n#[cfg(test)]\nmod t {{ fn f() {{ b.unwrap() }} }}\n"
        )
    };
    refused(&[("src/main.rs", &main("// because"))], &["src/main.rs:4", ".unwrap() without a reason", "INVARIANT"]);
    accepted(&[("src/main.rs", &main("// INVARIANT: a is never empty"))]);
    accepted(&[("tests/t.rs", "//! T.\nfn f() { a.expect(\"b\") }\n")]);
}

#[test]
fn a_dead_file() {
    refused(&[("crates/wire/src/old.rs", "//! BEP 3.\n")], &["crates/wire/src/old.rs: no `mod` declaration"]);
    refused(&[("tests/common/extra.rs", "//! Unused.\n")], &["tests/common/extra.rs: no `mod` declaration"]);
    accepted(&[("tests/t.rs", "//! T.\nmod common;\n"), ("tests/common/mod.rs", "//! Shared.\n")]);
}

#[test]
fn leftovers() {
    refused(&[("src/main.rs", "//! M.\nfn main() { todo!() }\n")], &["src/main.rs:2", "todo! is left over"]);
    refused(&[("tests/t.rs", "//! T.\n#[test]\n#[ignore]\nfn f() {}\n")], &["tests/t.rs:3", "ignored test"]);
}

#[test]
fn unsafe_and_std_where_they_must_not_be() {
    refused(&[("src/main.rs", "//! M.\nfn main() { unsafe { f() } }\n")], &["src/main.rs:2", "`unsafe`"]);
    refused(&[("crates/wire/src/lib.rs", "//! BEP 3.\n#![forbid(unsafe_code)]\n")], &["lib.rs:1", "`#![no_std]`"]);
    refused(&[("crates/wire/src/lib.rs", "//! BEP 3.\n#![no_std]\n")], &["lib.rs:1", "forbid(unsafe_code)"]);
    refused(&[("crates/wire/src/lib.rs", &lib("extern crate std;\n"))], &["lib.rs:4", "no std"]);
}

#[test]
fn a_dependency_without_a_reason() {
    let root = "[package]\nname = \"teem\"\n[dependencies]\nclap = \"4\"\n";
    refused(&[("Cargo.toml", root)], &["Cargo.toml:4", "dependency clap has no reason"]);
}

/// Two files that both have methods of `Owner`.
fn owner_in_two_files(first: &str, second: &str) -> [(&'static str, String); 3] {
    let declared = "mod owner;\npub(crate) use owner::Owner;\n";
    let first = format!("//! BEP 3.\nmod more;\npub(crate) struct Owner {{ a: u8 }}\nimpl Owner {{\n    {first}\n}}\n");
    let second = format!("//! BEP 3.\nuse super::Owner;\nimpl<T> Clone for Owner {{\n    {second}\n}}\n");
    [
        ("crates/wire/src/lib.rs", lib(declared)),
        ("crates/wire/src/owner.rs", first),
        ("crates/wire/src/owner/more.rs", second),
    ]
}

#[test]
fn methods_that_call_each_other_round_in_a_circle_of_files() {
    let circle = owner_in_two_files("fn a(&self) { self.b() }\n fn c() {}", "fn b(&self) { self.a; Self::c() }");
    let circle: Vec<(&str, &str)> = circle.iter().map(|(path, text)| (*path, text.as_str())).collect();
    refused(
        &circle,
        &[
            "crates/wire/src/owner.rs:3",
            "methods of Owner",
            "crates/wire/src/owner.rs:5 calls b of",
            "crates/wire/src/owner/more.rs:4 calls c of",
            "an owner with state of its own",
        ],
    );
    let one_way = owner_in_two_files("fn a(&self) { self.b() }", "fn b(&self) { self.a; self.b() }");
    let one_way: Vec<(&str, &str)> = one_way.iter().map(|(path, text)| (*path, text.as_str())).collect();
    accepted(&one_way);
}

#[test]
fn figures_tell_files_calls_and_fields() {
    let files = owner_in_two_files("fn a(&self) { self.b() }", "fn b(&self) { self.a; self.c }");
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let figures = xtask::tidy::figures(&Tree::new(&files).0).expect("readable");
    let words: Vec<Vec<&str>> = figures.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(words.contains(&vec!["Owner", "(teem-wire)", "1", "2", "2", "1", "0"]), "{figures}");
    assert!(words.contains(&vec!["owner.rs", "1", "methods", "1", "calls", "out"]), "{figures}");
    assert!(words.contains(&vec!["owner/more.rs", "1", "methods", "0", "calls", "out", "a"]), "{figures}");
}

#[test]
fn a_name_that_no_other_crate_uses() {
    let face = "pub struct Seen { pub near: u8 }\nimpl Seen {\n    pub fn open() -> Seen { Seen { near: 1 } }\n}\n";
    let other = |body: &str| format!("//! The binary.\nfn main() {{ {body} }}\n");
    let used = other("let teem_wire::Seen { near } = teem_wire::Seen::open();");
    accepted(&[("crates/wire/src/lib.rs", &lib(face)), ("src/main.rs", &used)]);
    let half = other("teem_wire::Seen::open();");
    refused(
        &[("crates/wire/src/lib.rs", &lib(face)), ("src/main.rs", &half)],
        &["crates/wire/src/lib.rs:4", "no other crate names Seen::near", "pub(crate)"],
    );
    // A method is not named by a function that happens to be called the same, nor a crate by one that does not depend on it.
    refused(
        &[("crates/wire/src/lib.rs", &lib(face)), ("src/main.rs", &other("let teem_wire::Seen { near } = open();"))],
        &["crates/wire/src/lib.rs:6", "no other crate names Seen::open"],
    );
    let below = "pub fn answer() {}\n";
    let above = "[package]\nname = \"teem\"\n";
    refused(
        &[("crates/wire/src/lib.rs", &lib(below)), ("src/main.rs", &other("x::answer()")), ("Cargo.toml", above)],
        &["crates/wire/src/lib.rs:4", "no other crate names answer"],
    );
}

#[test]
fn what_a_used_name_shows_is_used() {
    // Types of arguments, of public fields and of a trait's `impl`; names of documents' examples, tests and other binaries.
    let face = "/// ```\n/// teem_wire::shown();\n/// ```\npub fn shown() {}\npub struct Below { pub deep: Deep }\npub struct Deep;\n\
                pub fn taken(_: Below) {}\nimpl Iterator for Below { type Item = Item; }\npub struct Item;\n";
    let test = "//! T.\nfn f() { teem_wire::taken(g().deep) }\n";
    accepted(&[("crates/wire/src/lib.rs", &lib(face)), ("crates/wire/tests/t.rs", test)]);
}

#[test]
fn what_is_passed_on_to_embedders_is_used() {
    let face = "//! A library.\nmod status;\npub use status::Status;\npub fn idle() {}\n";
    let status = "//! A status.\npub struct Status { pub size: u64 }\npub fn other() {}\n";
    let manifest = "[package]\nname = \"teem-client\"\n";
    let tree = Tree::new(&[
        ("crates/client/Cargo.toml", manifest),
        ("crates/client/src/lib.rs", face),
        ("crates/client/src/status.rs", status),
    ]);
    let findings = tree.findings(Owed::default());
    assert_eq!(findings.len(), 2, "{findings:#?}");
    assert!(findings[0].contains("lib.rs:4: no other crate names idle"), "{findings:#?}");
    assert!(findings[1].contains("status.rs:3: no other crate names other"), "{findings:#?}");
}

#[test]
fn comments_that_are_no_sentences() {
    let file = |comment: &str| format!("//! M.\nfn main() {{}}\n\n{comment}\nstruct S;\n");
    refused(&[("src/main.rs", &file("/// Who asks for it."))], &["src/main.rs:4", "begins with \"Who …\""]);
    refused(&[("src/main.rs", &file("// Whoever asks is\n// answered."))], &["src/main.rs:4", "say the subject first"]);
    refused(&[("src/main.rs", &file("/// The S."))], &["src/main.rs:4", "\"The S.\" says no more than the name"]);
    accepted(&[("src/main.rs", &file("/// A struct that goes on over\n/// two lines."))]);
    accepted(&[("src/main.rs", &file("// Short.\n/// Who is told of it? All that ask."))]);
}

#[test]
fn what_is_owed_is_let_pass_until_there_is_nothing_left() {
    let owed = Owed { cycles: &[("teem-wire", "Owner", "a test")], faces: &["teem-wire"], words: &[("teem-wire", 1)] };
    let [mut lib, first, second] = owner_in_two_files("fn a(&self) { self.b() }", "fn b(&self) { self.a() }");
    lib.1 += "/// The S.\npub struct S;\n";
    let poor: Vec<(&str, &str)> = [&lib, &first, &second].iter().map(|(path, text)| (*path, text.as_str())).collect();
    assert_eq!(Tree::new(&poor).findings(owed), Vec::<String>::new());
    lib.1 += "/// The T.\nstruct T;\n";
    let more: Vec<(&str, &str)> = [&lib, &first, &second].iter().map(|(path, text)| (*path, text.as_str())).collect();
    assert_eq!(Tree::new(&more).findings(owed).len(), 2, "one comment more than is owed: both are told");
    let paid = Tree::new(&[]).findings(owed);
    assert_eq!(paid.len(), 3, "{paid:#?}");
    assert!(paid.iter().all(|finding| finding.contains("take it off the list")), "{paid:#?}");
}
