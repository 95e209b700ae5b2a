//! Both sides with one another, cut anywhere: whatever they agree on, each gets what the other sent (MSE).
#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no
use proptest::prelude::*;
use teem_mse::{
    Agreed, Entropy, Incoming, Initiator, Method, Methods, PRIVATE_LEN, Progress, Rc4, Refused, Responder, req2,
};

const KEY: [u8; 20] = *b"an info-hash, 20 byt";

/// A wire that gives out its bytes in portions.
struct Wire {
    bytes: Vec<u8>,
    cuts: Vec<usize>,
}

impl Wire {
    fn portion(&mut self) -> Vec<u8> {
        let len = self.cuts.pop().unwrap_or(usize::MAX).min(self.bytes.len());
        self.bytes.drain(..len).collect()
    }
}

struct Side {
    outgoing: Option<Rc4>,
    incoming: Incoming,
    got: Vec<u8>,
}

impl Side {
    fn new(agreed: Agreed) -> Self {
        Self { outgoing: agreed.outgoing, incoming: agreed.incoming, got: agreed.early }
    }

    fn say(&mut self, text: &[u8], wire: &mut Wire) {
        let mut bytes = text.to_vec();
        if let Some(cipher) = &mut self.outgoing {
            cipher.apply(&mut bytes);
        }
        wire.bytes.extend_from_slice(&bytes);
    }

    fn hear(&mut self, mut bytes: Vec<u8>) {
        self.incoming.apply(&mut bytes);
        self.got.extend_from_slice(&bytes);
    }
}

struct Play {
    offered: Methods,
    taken: Methods,
    pads: [Vec<u8>; 2],
    privates: [[u8; PRIVATE_LEN]; 2],
    introduction: Vec<u8>,
    cuts: [Vec<usize>; 2],
}

/// The method and what each side got of a stream, or why it ended.
fn play(play: Play) -> Result<(Method, Vec<u8>, Vec<u8>), Refused> {
    let [a_cuts, b_cuts] = play.cuts;
    let mut to_b = Wire { bytes: Vec::new(), cuts: a_cuts };
    let mut to_a = Wire { bytes: Vec::new(), cuts: b_cuts };
    let entropy = |n: usize| Entropy { private: play.privates[n], pad: &play.pads[n] };
    let mut initiator = Initiator::new(KEY, play.offered, &entropy(0), &mut to_b.bytes);
    let mut responder = Responder::new(play.taken);
    let (mut a, mut b): (Option<Side>, Option<Side>) = (None, None);
    let (mut method, mut a_said, mut b_said) = (None, false, false);
    while !(to_a.bytes.is_empty() && to_b.bytes.is_empty()) {
        let bytes = to_b.portion();
        if let Some(side) = &mut b {
            side.hear(bytes);
        } else {
            let find = |name: &[u8; 20]| (*name == req2(&KEY)).then_some(KEY);
            if let Some(agreed) = responder.advance(&bytes, || Some(entropy(1)), find, &mut to_a.bytes)? {
                b = Some(Side::new(*agreed));
            }
        }
        let bytes = to_a.portion();
        if let Some(side) = &mut a {
            side.hear(bytes);
        } else {
            match initiator.advance(&bytes)? {
                Progress::More => {}
                Progress::Introduce => {
                    assert_eq!(initiator.introduce(&play.introduction, &mut to_b.bytes), play.introduction.len());
                }
                Progress::Agreed(agreed) => {
                    method = Some(agreed.method);
                    a = Some(Side::new(*agreed));
                }
            }
        }
        for (side, wire, said, text) in
            [(&mut a, &mut to_b, &mut a_said, &b"from a"[..]), (&mut b, &mut to_a, &mut b_said, b"from b")]
        {
            if let (Some(side), false) = (side, *said) {
                side.say(text, wire);
                *said = true;
            }
        }
    }
    Ok((method.unwrap(), a.unwrap().got, b.unwrap().got))
}

fn methods() -> impl Strategy<Value = Methods> {
    prop_oneof![Just(Methods::Both), Just(Methods::Rc4Only)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn each_gets_what_the_other_sent(
        offered in methods(),
        taken in methods(),
        pads in prop::array::uniform2(prop::collection::vec(any::<u8>(), 0..=512)),
        privates in prop::array::uniform2(any::<[u8; PRIVATE_LEN]>()),
        introduction in prop::collection::vec(any::<u8>(), 0..2000),
        cuts in prop::array::uniform2(prop::collection::vec(0usize..300, 0..60)),
    ) {
        let both = offered == Methods::Both && taken == Methods::Both;
        // A portion of nothing on both wires at once is no progress, and none is needed: the others come.
        let got = play(Play { offered, taken, pads, privates, introduction: introduction.clone(), cuts });
        let (method, a, b) = got.unwrap();
        prop_assert_eq!(method, if both { Method::Clear } else { Method::Rc4 });
        prop_assert_eq!(&a, b"from b");
        prop_assert_eq!(b, [&introduction[..], b"from a"].concat());
    }
}

fn plain_play() -> Play {
    Play {
        offered: Methods::Both,
        taken: Methods::Both,
        pads: [vec![1; 7], vec![2; 512]],
        privates: [[3; PRIVATE_LEN], [4; PRIVATE_LEN]],
        introduction: Vec::new(),
        cuts: [Vec::new(), Vec::new()],
    }
}

#[test]
fn the_longest_introduction_passes_and_no_more_is_taken() {
    let introduction: Vec<u8> = (0..65_535u32).map(|n| n as u8).collect();
    let (_, _, b) = play(Play { introduction: introduction.clone(), ..plain_play() }).unwrap();
    assert_eq!(b, [&introduction[..], b"from a"].concat());
    let mut out = Vec::new();
    let entropy = Entropy { private: [3; PRIVATE_LEN], pad: &[0; 600] };
    let mut initiator = Initiator::new(KEY, Methods::Both, &entropy, &mut out);
    assert_eq!(out.len(), 96 + 512, "padding is cut");
    let mut answer = Vec::new();
    let mut responder = Responder::new(Methods::Both);
    assert!(
        responder
            .advance(&out, || Some(Entropy { private: [4; 20], pad: &[] }), |_| None, &mut answer)
            .unwrap()
            .is_none()
    );
    assert!(matches!(initiator.advance(&answer), Ok(Progress::Introduce)));
    assert_eq!(initiator.introduce(&vec![0; 70_000], &mut out), 65_535);
}

/// What a responder says to an initiator of our own whose words were changed.
fn refused(key_of_responder: Option<[u8; 20]>, change: impl Fn(&mut Vec<u8>)) -> Option<Refused> {
    let (mut first, mut answer, mut second) = (Vec::new(), Vec::new(), Vec::new());
    let entropy = |n| Entropy { private: [n; PRIVATE_LEN], pad: &[] };
    let mut initiator = Initiator::new(KEY, Methods::Both, &entropy(3), &mut first);
    let mut responder = Responder::new(Methods::Both);
    responder.advance(&first, || Some(entropy(4)), |_| None, &mut answer).unwrap();
    initiator.advance(&answer).unwrap();
    initiator.introduce(b"", &mut second);
    change(&mut second);
    answer.clear();
    let outcome = responder.advance(&second, || Some(entropy(4)), |_| key_of_responder, &mut answer);
    assert!(answer.is_empty() || outcome.is_ok(), "what is refused is not answered");
    outcome.err()
}

#[test]
fn each_fault_has_its_reason() {
    assert_eq!(refused(Some(KEY), |_| {}), None);
    assert_eq!(refused(None, |_| {}), Some(Refused::Torrent));
    assert_eq!(refused(Some([0; 20]), |_| {}), Some(Refused::Check), "another key");
    assert_eq!(refused(Some(KEY), |bytes| bytes[40] ^= 1), Some(Refused::Check));
    // The offer of both methods becomes one of neither, padding becomes 512 or more by one bit.
    assert_eq!(refused(Some(KEY), |bytes| bytes[40 + 11] ^= 3), Some(Refused::Method));
    assert_eq!(refused(Some(KEY), |bytes| bytes[40 + 12] ^= 4), Some(Refused::Padding));
    assert_eq!(refused(Some(KEY), |bytes| bytes[40 + 12] ^= 2), None, "512 bytes may come");
    assert_eq!(refused(Some(KEY), |bytes| *bytes = vec![0; 600]), Some(Refused::Marker));
}

#[test]
fn a_responder_that_answers_before_it_may_is_refused() {
    let mut out = Vec::new();
    let entropy = Entropy { private: [3; PRIVATE_LEN], pad: &[] };
    let mut initiator = Initiator::new(KEY, Methods::Both, &entropy, &mut out);
    // Our own public key is as good as another's.
    let answer = [&out[..], &[0; 513]].concat();
    assert_eq!(initiator.advance(&answer).err(), Some(Refused::Marker));
    let mut initiator = Initiator::new(KEY, Methods::Both, &entropy, &mut Vec::new());
    assert_eq!(initiator.advance(&[0; 96]).err(), Some(Refused::Key));
}

#[test]
fn the_work_of_a_key_can_be_put_off() {
    let (mut first, mut answer) = (Vec::new(), Vec::new());
    Initiator::new(KEY, Methods::Both, &Entropy { private: [3; PRIVATE_LEN], pad: &[1; 9] }, &mut first);
    let mut responder = Responder::new(Methods::Both);
    assert!(
        responder.advance(&first[..95], || panic!("the key is not whole"), |_| None, &mut answer).unwrap().is_none()
    );
    assert!(responder.advance(&first[95..], || None, |_| None, &mut answer).unwrap().is_none());
    assert!(answer.is_empty());
    let entropy = Entropy { private: [4; PRIVATE_LEN], pad: &[2; 3] };
    assert!(responder.advance(&[], || Some(entropy), |_| None, &mut answer).unwrap().is_none());
    assert_eq!(answer.len(), 96 + 3);
}
