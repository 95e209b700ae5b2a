//! Every kernel of this machine against the `sha1` and `sha2` crates: all numbers of messages, lengths around the ends of
//! blocks, parts cut anywhere.
use proptest::collection::vec;
use proptest::prelude::*;
use sha1::{Digest, Sha1};
use sha2::Sha256;
use teem_disk::hash::Kernel;

fn oracle(message: &[u8]) -> [u8; 20] {
    Sha1::digest(message).into()
}

/// Holds both functions of each kernel against the crates.
fn agree(messages: &[Vec<u8>], parts: &[Vec<&[u8]>]) {
    let sha1: Vec<[u8; 20]> = messages.iter().map(|m| oracle(m)).collect();
    let sha256: Vec<[u8; 32]> = messages.iter().map(|m| Sha256::digest(m).into()).collect();
    for kernel in Kernel::available() {
        assert_eq!(kernel.sha1_many(parts), sha1, "SHA-1, {kernel}, {} messages", messages.len());
        assert_eq!(kernel.sha256_many(parts), sha256, "SHA-256, {kernel}, {} messages", messages.len());
    }
}

/// Bytes that differ from message to message and from place to place.
fn content(seed: usize, len: usize) -> Vec<u8> {
    let mut x = (seed as u32).wrapping_mul(0x9e37_79b9) | 1;
    let step = |_| {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (x >> 24) as u8
    };
    (0..len).map(step).collect()
}

/// `message` in parts of these lengths, over and over; a length of 0 is an empty part.
fn cut<'a>(message: &'a [u8], lens: &[usize]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut rest = message;
    let mut lens = lens.iter().cycle();
    while !rest.is_empty() {
        let len = lens.next().map_or(rest.len(), |&len| len.min(rest.len()));
        let (part, after) = rest.split_at(len);
        parts.push(part);
        rest = after;
    }
    parts
}

#[test]
#[allow(clippy::print_stdout)] // what could be tested here has to be known
fn known_answers() {
    // FIPS 180-4's examples.
    let messages = [b"abc".as_slice(), b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"];
    let parts: Vec<Vec<&[u8]>> = messages.iter().map(|&m| vec![m]).collect();
    for kernel in Kernel::available() {
        println!("run by this processor itself: {kernel}");
        let digests = kernel.sha1_many(&parts);
        assert_eq!(digests[0][..4], [0xa9, 0x99, 0x3e, 0x36], "{kernel}");
        assert_eq!(digests[1][..4], [0x84, 0x98, 0x3e, 0x44], "{kernel}");
        let digests = kernel.sha256_many(&parts);
        assert_eq!(digests[0][..4], [0xba, 0x78, 0x16, 0xbf], "{kernel}");
        assert_eq!(digests[1][..4], [0x24, 0x8d, 0x6a, 0x61], "{kernel}");
    }
}

#[test]
fn any_number_of_lanes() {
    let messages: Vec<Vec<u8>> = (0..=35).map(|i| content(i, 640)).collect();
    let parts: Vec<Vec<&[u8]>> = messages.iter().map(|m| vec![m.as_slice()]).collect();
    (0..=35).for_each(|count| agree(&messages[..count], &parts[..count]));
}

#[test]
fn lengths_around_the_ends_of_blocks() {
    let messages: Vec<Vec<u8>> = (0..200).map(|len| content(len, len)).collect();
    let parts: Vec<Vec<&[u8]>> = messages.iter().map(|m| vec![m.as_slice()]).collect();
    agree(&messages, &parts);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn parts_do_not_matter(lens in vec(0_usize..2_000, 0..36), cuts in vec(0_usize..300, 1..6), big in any::<bool>()) {
        let cuts: Vec<usize> = cuts.iter().map(|&len| if big { len * 16 + 1 } else { len }).collect();
        prop_assume!(cuts.iter().any(|&len| len > 0));
        let messages: Vec<Vec<u8>> = lens.iter().enumerate().map(|(i, &len)| content(i, len)).collect();
        let turned = |i: usize| { let mut c = cuts.clone(); c.rotate_left(i % cuts.len()); c };
        let parts: Vec<Vec<&[u8]>> = messages.iter().enumerate().map(|(i, m)| cut(m, &turned(i))).collect();
        agree(&messages, &parts);
    }

    #[test]
    fn read_in_turn(lens in vec(0_usize..3_000, 0..40), chunk in 1_usize..1_000, bad in vec(any::<u8>(), 40)) {
        let messages: Vec<Vec<u8>> = lens.iter().enumerate().map(|(i, &len)| content(i, len)).collect();
        let sizes: Vec<u32> = lens.iter().map(|&len| len as u32).collect();
        // One message in ten cannot be read beyond its middle.
        let fails = |i: usize, at: usize| bad[i] < 26 && at * 2 >= lens[i];
        for kernel in Kernel::available() {
            let got = kernel.sha1_streams(&sizes, chunk, |i, at, buffer| {
                let at = at as usize;
                if fails(i, at) {
                    return Err(i);
                }
                buffer.copy_from_slice(&messages[i][at..at + buffer.len()]);
                Ok(())
            });
            prop_assert_eq!(got.len(), messages.len());
            for (i, got) in got.into_iter().enumerate() {
                match got {
                    Ok(digest) => prop_assert_eq!(digest, oracle(&messages[i])),
                    Err(message) => prop_assert!(message == i && bad[i] < 26),
                }
            }
        }
    }
}
