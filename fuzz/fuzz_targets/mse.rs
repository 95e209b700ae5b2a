//! Both sides of an encrypted handshake with a stranger who sends whatever the fuzzer makes up (MSE; row 43 of the list of bad inputs). The input: the
//! kind of play, then portions, each with its length in front. In one kind the first 96 bytes are a sound key, and in the other kinds of the stranger's own making; where the
//! stranger knows the secret, what it says next is encrypted for it, so that what lies behind the cipher is reached too.
#![no_main]
use libfuzzer_sys::fuzz_target;
use teem_mse::{Entropy, Initiator, Methods, Progress, Responder, req2};

const KEY: [u8; 20] = *b"an info-hash, 20 byt";

fn portions(mut rest: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    while let Some((len, bytes)) = rest.split_first() {
        let len = usize::from(*len).min(bytes.len());
        all.push(&bytes[..len]);
        rest = &bytes[len..];
    }
    all
}

fn entropy(n: u8) -> Entropy<'static> {
    Entropy { private: [n; 20], pad: &[7; 33] }
}

/// What a sound initiator says after its key, with bits changed by the fuzzer.
fn second_words(answer: &[u8], flips: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut initiator = Initiator::new(KEY, Methods::Both, &entropy(3), &mut out);
    out.clear();
    if matches!(initiator.advance(answer), Ok(Progress::Introduce)) {
        initiator.introduce(flips, &mut out);
    }
    // The marker and the name stay: what lies behind them is to be reached.
    for (byte, flip) in out.iter_mut().skip(40).zip(flips) {
        *byte ^= flip;
    }
    out
}

fuzz_target!(|input: &[u8]| {
    let Some((kind, rest)) = input.split_first() else { return };
    let methods = if kind & 1 == 0 { Methods::Both } else { Methods::Rc4Only };
    let portions = portions(rest);
    let mut out = Vec::new();
    match kind >> 1 & 3 {
        0 => {
            let mut responder = Responder::new(methods);
            for bytes in portions {
                let find = |name: &[u8; 20]| (*name == req2(&KEY)).then_some(KEY);
                match responder.advance(bytes, || Some(entropy(4)), find, &mut out) {
                    Ok(None) => {}
                    Ok(Some(_)) | Err(_) => break,
                }
            }
            assert!(out.len() <= 96 + 512 + 14);
        }
        1 => {
            let mut first = Vec::new();
            Initiator::new(KEY, Methods::Both, &entropy(3), &mut first);
            let mut responder = Responder::new(methods);
            let find = |name: &[u8; 20]| (*name == req2(&KEY)).then_some(KEY);
            let begun = responder.advance(&first, || Some(entropy(4)), find, &mut out);
            assert!(matches!(begun, Ok(None)), "a sound key is taken");
            let flips: Vec<u8> = portions.concat();
            let second = second_words(&out, &flips);
            let _ = responder.advance(&second, || None, find, &mut out);
        }
        _ => {
            let mut initiator = Initiator::new(KEY, methods, &entropy(3), &mut out);
            let mut answer = Vec::new();
            if kind & 8 != 0 {
                let find = |_: &[u8; 20]| None;
                let answered = Responder::new(methods).advance(&out, || Some(entropy(4)), find, &mut answer);
                assert!(matches!(answered, Ok(None)));
            }
            for bytes in core::iter::once(&answer[..]).chain(portions) {
                match initiator.advance(bytes) {
                    Ok(Progress::More) => {}
                    Ok(Progress::Introduce) => {
                        initiator.introduce(b"first words", &mut out);
                    }
                    Ok(Progress::Agreed(_)) | Err(_) => break,
                }
            }
        }
    }
});
