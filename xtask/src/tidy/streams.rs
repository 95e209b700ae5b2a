//! The program has standard output and standard error in hand in few files, each of which makes what it prints safe for a terminal
//! (`src/foreign.rs`). Every other file prints through these, so that no text of others reaches a terminal as it is.

use crate::finding::Finding;
use crate::lex::Token;
use crate::tree::Package;

/// The files that write to a standard stream, and by what it is safe.
const WRITERS: [(&str, &str); 9] = [
    ("src/stdout.rs", "`lines`, but for bytes that are data"),
    ("src/json.rs", "`Escaping`"),
    ("src/progress.rs", "`plain` and `lines`"),
    ("src/choose.rs", "`plain`"),
    ("src/fault.rs", "`lines`"),
    ("src/hooks.rs", "a pipe to our own process stands for it there"),
    ("src/on_done.rs", "a pipe to our own process stands for it there"),
    ("src/top/screen.rs", "`plain`, where `top::row` and `top::state` take texts in"),
    ("src/planted.rs", "it is in no release, and its words are our own"),
];

pub(super) fn check(package: &Package, findings: &mut Vec<Finding>) {
    if package.manifest.name != "teem" {
        return;
    }
    for tree in &package.trees {
        for module in tree.modules.iter().filter(|module| !module.test) {
            let Some(source) = package.sources.get(&module.path).filter(|source| !source.is_test()) else { continue };
            if WRITERS.iter().any(|(writer, _)| module.path == std::path::Path::new(writer)) {
                continue;
            }
            for line in written(&source.live) {
                let message = "a standard stream is written to here: print through stdout, json or progress, which make texts safe";
                findings.push(Finding::new(&module.path, line, message.to_owned()));
            }
        }
    }
}

/// The lines on which a standard stream is written to. To ask whether it is a terminal, or to flush it, writes nothing.
fn written(tokens: &[Token]) -> Vec<usize> {
    let is_macro = |name: &Token, mark: &Token| {
        mark.is("!") && ["print", "println", "eprint", "eprintln"].iter().any(|word| name.is_ident(word))
    };
    let macros = tokens.windows(2).filter(|pair| is_macro(&pair[0], &pair[1])).map(|pair| pair[0].line);
    let is_stream = |at: usize| {
        let stream = tokens[at].is_ident("stdout") || tokens[at].is_ident("stderr");
        let called = tokens.get(at + 1).is_some_and(|t| t.is("(")) && tokens.get(at + 2).is_some_and(|t| t.is(")"));
        let asked = tokens.get(at + 4).is_some_and(|t| t.is_ident("is_terminal"));
        let flushed = tokens[..at].iter().rev().take_while(|t| !t.is(";")).any(|t| t.is_ident("flush"));
        stream && called && !asked && !flushed
    };
    macros.chain((0..tokens.len()).filter(|&at| is_stream(at)).map(|at| tokens[at].line)).collect()
}

#[cfg(test)]
mod tests {
    use super::written;
    use crate::lex::tokens;

    #[test]
    fn what_writes_is_told_from_what_asks() {
        for (text, lines) in [
            ("fn f() { println!(\"{x}\"); }", vec![1]),
            ("fn f() {\n    let _ = io::stderr().write_all(x);\n}", vec![2]),
            ("fn f() { let out = io::stdout(); }", vec![1]),
            ("fn f() { io::stdout().is_terminal(); }", vec![]),
            ("fn f() { Write::flush(&mut std::io::stdout()); }", vec![]),
            ("fn f() { command.stdout(Stdio::null()); print(x); stdout::text(x); }", vec![]),
        ] {
            assert_eq!(written(&tokens(text)), lines, "{text}");
        }
    }
}
