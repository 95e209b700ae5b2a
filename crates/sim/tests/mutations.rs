//! Each checker can fail: one rule at a time is broken, by a peer or by the world, and the checker that should notice does.
use std::collections::VecDeque;
use std::time::Duration;
use teem_engine::input::Input;
use teem_sim::block::SimBlock;
use teem_sim::brain::Brain;
use teem_sim::check::violation::Rule;
use teem_sim::makers;
use teem_sim::scenario::{Group, Role, Scenario};
use teem_sim::world::World;
use teem_swarm::ask::Question;
use teem_swarm::event::Event;
use teem_swarm::output::CloseReason;
use teem_swarm::output::Output;
use teem_swarm::time::Time;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::message::Message;

type Out = Output<SimBlock>;

/// Changes what a peer says: gets each output and puts what is to be said instead.
type Change = fn(Out, &mut VecDeque<Out>);

struct Mutant {
    inner: Box<dyn Brain>,
    change: Change,
    out: VecDeque<Out>,
    impatient: bool,
    now: Time,
}

impl Brain for Mutant {
    fn handle(&mut self, now: Time, input: Input<SimBlock>) {
        self.now = now;
        self.inner.handle(now, input);
    }

    fn poll_output(&mut self) -> Option<Out> {
        while let Some(output) = self.inner.poll_output() {
            (self.change)(output, &mut self.out);
        }
        self.out.pop_front()
    }

    fn deadline(&self) -> Option<Time> {
        if self.impatient { Some(self.now) } else { self.inner.deadline() }
    }
}

fn scenario() -> Scenario {
    Scenario::new("mutation", "")
        .content(64, 32_768, 0)
        .with(Group::new(Role::Seed, 1))
        .with(Group::new(Role::Downloader, 2))
        .within(Duration::from_secs(100))
}

/// The rules that are broken when the downloaders say what `change` makes of it.
fn broken(scenario: Scenario, change: Change, impatient: bool, blind: bool) -> Vec<Rule> {
    let maker = move |birth: &teem_sim::brain::Birth<'_>| -> Box<dyn Brain> {
        let inner = makers::plain(birth);
        if birth.role != Role::Downloader {
            return inner;
        }
        Box::new(Mutant { inner, change, out: VecDeque::new(), impatient, now: Time::ZERO })
    };
    let mut world = World::new(scenario, 1, Box::new(maker));
    if blind {
        world.break_disk(1);
    }
    world.run();
    let mut rules: Vec<Rule> = world.findings().found().iter().map(|violation| violation.rule).collect();
    rules.sort();
    rules.dedup();
    rules
}

fn rules(change: Change) -> Vec<Rule> {
    broken(scenario(), change, false, false)
}

#[test]
fn nothing_changed_nothing_found() {
    assert_eq!(rules(|output, out| out.push_back(output)), []);
}

#[test]
fn the_same_request_twice() {
    let found = rules(|output, out| {
        if let Output::Send { conn, message: Message::Request(at) } = output {
            out.push_back(Output::Send { conn, message: Message::Request(at) });
        }
        out.push_back(output);
    });
    assert_eq!(found, [Rule::Request]);
}

#[test]
fn a_request_for_no_block() {
    let found = rules(|output, out| {
        if let Output::Send { conn, message: Message::Request(at) } = output {
            let at = BlockRef { begin: at.begin + 1, ..at };
            out.push_back(Output::Send { conn, message: Message::Request(at) });
        } else {
            out.push_back(output);
        }
    });
    assert!(found.contains(&Rule::Request), "{found:?}");
}

#[test]
fn more_requests_than_a_peer_takes() {
    let many = Scenario { pieces: 8, piece_len: 8 << 20, ..scenario() };
    // The seed is asked for a whole piece of 512 blocks at once.
    let change: Change = |output, out| {
        if let Output::Send { conn, message: Message::Request(at @ BlockRef { begin: 0, .. }) } = output {
            let whole = (0..512).map(|block| BlockRef { begin: block * 16_384, ..at });
            out.extend(whole.map(|at| Output::Send { conn, message: Message::Request(at) }));
        } else if !matches!(output, Output::Send { message: Message::Request(_), .. }) {
            out.push_back(output);
        }
    };
    let found = broken(many.within(Duration::from_secs(5)), change, false, false);
    assert!(found.contains(&Rule::RequestLimit), "{found:?}");
}

#[test]
fn a_claim_of_what_is_not_there() {
    let found = rules(|output, out| {
        if let Output::Send { conn, message: Message::Have(piece) } = output {
            out.push_back(Output::Send { conn, message: Message::Have((piece + 1) % 64) });
        }
        out.push_back(output);
    });
    assert!(found.contains(&Rule::Claim), "{found:?}");
}

#[test]
fn a_disk_that_takes_every_piece_for_right() {
    let poisoned = scenario().with(Group::new(Role::Corrupter(500), 3));
    let found = broken(poisoned, |output, out| out.push_back(output), false, true);
    assert!(found.contains(&Rule::Truth), "{found:?}");
}

#[test]
fn a_block_that_was_not_asked() {
    let found = rules(|output, out| {
        if let Output::SendBlock { conn, at, data } = output {
            out.push_back(Output::SendBlock { conn, at, data });
        }
        out.push_back(output);
    });
    assert!(found.contains(&Rule::Serve), "{found:?}");
}

#[test]
fn choking_back_and_forth() {
    let found = rules(|output, out| {
        if let Output::Send { conn, message: Message::Unchoke } = output {
            out.push_back(Output::Send { conn, message: Message::Unchoke });
            out.push_back(Output::Send { conn, message: Message::Choke });
        }
        out.push_back(output);
    });
    assert!(found.contains(&Rule::Choke), "{found:?}");
}

#[test]
fn speaking_before_the_handshake_and_after_the_end() {
    let found = rules(|output, out| match output {
        Output::Hello { conn, handshake } => {
            out.push_back(Output::Send { conn, message: Message::KeepAlive });
            out.push_back(Output::Hello { conn, handshake });
        }
        Output::Send { conn, message: Message::Have(piece) } => {
            out.push_back(Output::Close { conn, why: CloseReason::Useless });
            out.push_back(Output::Send { conn, message: Message::Have(piece) });
        }
        output => out.push_back(output),
    });
    assert!(found.contains(&Rule::Connection), "{found:?}");
}

#[test]
fn limits_that_nobody_keeps() {
    let limited = Scenario::new("limits", "")
        .with(Group::new(Role::Seed, 1).limits(Some(100_000), None))
        .with(Group::new(Role::Downloader, 1).limits(None, Some(100_000)));
    let found = broken(limited, |output, out| out.push_back(output), false, false);
    assert_eq!(found, [Rule::UpLimit, Rule::DownLimit]);
}

#[test]
fn an_honest_peer_accused_or_banned() {
    let found = rules(|output, out| {
        if let Output::Event(Event::PieceVerified { torrent, .. }) = output {
            let addr = teem_sim::node::addr_of(0).into();
            out.push_back(Output::Event(Event::Banned { torrent, addr, client: String::new(), why: String::new() }));
        }
        out.push_back(output);
    });
    assert_eq!(found, [Rule::Justice]);
}

#[test]
fn completed_said_twice() {
    let found = rules(|output, out| {
        if let Output::Ask { id, question: question @ Question::Announce { .. } } = &output {
            out.push_back(Output::Ask { id: *id, question: question.clone() });
        }
        out.push_back(output);
    });
    assert_eq!(found, [Rule::Tracker]);
}

#[test]
fn a_deadline_that_its_tick_does_not_move() {
    let found = broken(scenario(), |output, out| out.push_back(output), true, false);
    assert_eq!(found, [Rule::Time]);
}

#[test]
fn a_swarm_that_does_not_ask() {
    let found = rules(|output, out| {
        if !matches!(output, Output::Send { message: Message::Request(_), .. }) {
            out.push_back(output);
        }
    });
    assert_eq!(found, [Rule::Liveness]);
}
