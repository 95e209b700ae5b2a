//! Each checker can fail, the longer cases: peers that mishear, that forget to cancel, that serve everybody at once.
use std::collections::VecDeque;
use std::time::Duration;
use teem_engine::input::Input;
use teem_sim::block::SimBlock;
use teem_sim::brain::{Birth, Brain};
use teem_sim::check::violation::Rule;
use teem_sim::makers;
use teem_sim::plain::habits::{EndGame, Habits, Sharing, Slots};
use teem_sim::plain::{Plain, simple};
use teem_sim::scenario::{Group, Role, Scenario};
use teem_sim::world::World;
use teem_swarm::event::Event;
use teem_swarm::output::Output;
use teem_swarm::rng::Rng;
use teem_swarm::time::Time;
use teem_wire::peer::message::Message;

/// A peer that does not hear some things and does not say others.
struct Deaf {
    inner: Box<dyn Brain>,
    hears: fn(&Input<SimBlock>) -> bool,
    says: fn(&Output<SimBlock>) -> bool,
    out: VecDeque<Output<SimBlock>>,
}

impl Brain for Deaf {
    fn handle(&mut self, now: Time, input: Input<SimBlock>) {
        if (self.hears)(&input) {
            self.inner.handle(now, input);
        }
    }

    fn poll_output(&mut self) -> Option<Output<SimBlock>> {
        while let Some(output) = self.inner.poll_output() {
            if (self.says)(&output) {
                self.out.push_back(output);
            }
        }
        self.out.pop_front()
    }

    fn deadline(&self) -> Option<Time> {
        self.inner.deadline()
    }
}

/// The rules that are broken when downloaders hear and say only that.
fn broken(
    scenario: Scenario,
    own: fn(&Birth<'_>) -> Box<dyn Brain>,
    hears: fn(&Input<SimBlock>) -> bool,
    says: fn(&Output<SimBlock>) -> bool,
) -> Vec<Rule> {
    broken_by(Role::Downloader, scenario, own, hears, says)
}

/// The same, when those of a role do.
fn broken_by(
    role: Role,
    scenario: Scenario,
    own: fn(&Birth<'_>) -> Box<dyn Brain>,
    hears: fn(&Input<SimBlock>) -> bool,
    says: fn(&Output<SimBlock>) -> bool,
) -> Vec<Rule> {
    let maker = move |birth: &Birth<'_>| -> Box<dyn Brain> {
        match birth.role {
            it if it == role => Box::new(Deaf { inner: own(birth), hears, says, out: VecDeque::new() }),
            _ => makers::engine(birth),
        }
    };
    let mut world = World::new(scenario, 1, Box::new(maker));
    world.run();
    let mut rules: Vec<Rule> = world.findings().found().iter().map(|violation| violation.rule).collect();
    rules.sort();
    rules.dedup();
    rules
}

fn slow() -> Scenario {
    Scenario::new("mutation", "")
        .content(64, 32_768, 0)
        .with(Group::new(Role::Seed, 1).rates(40_000, 400_000))
        .with(Group::new(Role::Downloader, 3).rates(40_000, 400_000))
        .within(Duration::from_secs(600))
}

fn client(birth: &Birth<'_>, habits: Habits) -> Box<dyn Brain> {
    Box::new(Plain::new(habits, birth.content.clone(), Rng::new(birth.seed)))
}

#[test]
fn nothing_changed_nothing_found() {
    assert_eq!(broken(slow(), makers::engine, |_| true, |_| true), []);
}

#[test]
fn an_engine_that_does_not_hear_what_others_have() {
    let hears: fn(&Input<SimBlock>) -> bool =
        |input| !matches!(input, Input::Message { message: Message::Have(piece), .. } if piece % 2 == 1);
    assert!(broken(slow(), makers::engine, hears, |_| true).contains(&Rule::Books));
}

#[test]
fn an_engine_whose_availability_is_not_the_sum_of_what_was_shown() {
    // Without its snapshot, which would show it peer by peer.
    let says: fn(&Output<SimBlock>) -> bool = |output| !matches!(output, Output::Event(Event::Snapshot(_)));
    let hears: fn(&Input<SimBlock>) -> bool =
        |input| !matches!(input, Input::Message { message: Message::Have(piece), .. } if piece % 2 == 1);
    assert_eq!(broken(slow(), makers::engine, |_| true, says), []);
    assert!(broken(slow(), makers::engine, hears, says).contains(&Rule::Books));
}

#[test]
fn an_engine_that_does_not_hear_that_it_is_unchoked() {
    let hears: fn(&Input<SimBlock>) -> bool =
        |input| !matches!(input, Input::Message { message: Message::Unchoke, .. });
    assert!(broken(slow(), makers::engine, hears, |_| true).contains(&Rule::Books));
}

#[test]
fn a_client_that_never_cancels() {
    let own: fn(&Birth<'_>) -> Box<dyn Brain> =
        |birth| client(birth, Habits { end_game: EndGame::Copies(2), sharing: Sharing::Alone, ..simple::habits() });
    let says: fn(&Output<SimBlock>) -> bool =
        |output| !matches!(output, Output::Send { message: Message::Cancel(_), .. });
    assert!(!broken(slow(), own, |_| true, |_| true).contains(&Rule::InFlight));
    assert!(broken(slow(), own, |_| true, says).contains(&Rule::InFlight));
}

#[test]
fn a_client_that_asks_everybody_for_everything_at_the_end() {
    let own: fn(&Birth<'_>) -> Box<dyn Brain> =
        |birth| client(birth, Habits { end_game: EndGame::Copies(9), sharing: Sharing::Alone, ..simple::habits() });
    let crowd = slow().with(Group::new(Role::Liar, 3)).within(Duration::from_secs(300));
    assert!(broken(crowd, own, |_| true, |_| true).contains(&Rule::Duplicate));
}

#[test]
fn a_client_that_serves_a_hundred_at_once() {
    let own: fn(&Birth<'_>) -> Box<dyn Brain> =
        |birth| client(birth, Habits { conns: 100, slots: Slots::Interested, ..simple::habits() });
    let crowd = Scenario::new("crowd", "")
        .content(16, 16_384, 0)
        .with(Group::new(Role::Seed, 1).rates(20_000, 400_000))
        .with(Group::new(Role::Downloader, 95))
        .within(Duration::from_secs(60));
    let found = broken(crowd, own, |_| true, |_| true);
    assert!(found.contains(&Rule::Slots) && found.contains(&Rule::ConnectionLimit), "{found:?}");
}

/// A source with seventy of a kind.
fn admirers(kind: Group) -> Scenario {
    Scenario::new("admirers", "")
        .content(64, 16_384, 0)
        .with(Group::new(Role::Seed, 1).rates(20_000, 400_000))
        .with(kind)
        .within(Duration::from_secs(120))
}

/// Seventy who hardly give, so that they are still there when a source is done with granting.
fn stingy() -> Group {
    Group::new(Role::Downloader, 70).rates(1_000, 400_000)
}

#[test]
fn a_source_that_goes_on_serving_everybody_when_it_is_a_seed() {
    // What it would say to those for whom it has no slot is not said, so that they ask and go on waiting.
    let says: fn(&Output<SimBlock>) -> bool =
        |output| !matches!(output, Output::Send { message: Message::Choke | Message::Reject(_), .. });
    // They know nobody else: with others to dial they would leave who serves them nothing.
    let found = |says| broken_by(Role::Seed, admirers(stingy().behind_nat()), makers::engine, |_| true, says);
    assert!(!found(|_| true).contains(&Rule::Slots));
    assert!(found(says).contains(&Rule::Slots));
}

#[test]
fn a_seed_that_never_granted_and_serves_a_hundred_at_once() {
    let own: fn(&Birth<'_>) -> Box<dyn Brain> =
        |birth| client(birth, Habits { conns: 100, slots: Slots::Interested, ..simple::habits() });
    assert!(broken_by(Role::Seed, admirers(stingy()), own, |_| true, |_| true).contains(&Rule::Slots));
}
