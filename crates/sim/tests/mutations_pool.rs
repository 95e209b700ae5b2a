//! The checker of the pool can fail: blocks that are kept, handed on twice or to others, or asked for while the disk is behind.
use std::collections::VecDeque;
use std::time::Duration;
use teem_engine::input::Input;
use teem_sim::block::SimBlock;
use teem_sim::brain::{Birth, Brain};
use teem_sim::check::violation::Rule;
use teem_sim::makers;
use teem_sim::scenario::{Group, Role, Scenario};
use teem_sim::world::World;
use teem_swarm::job::Job;
use teem_swarm::output::Output;
use teem_swarm::time::Time;

type Out = Output<SimBlock>;

/// Does something else with blocks: gets each output, puts what is to be done instead, and may keep one.
type Change = fn(Out, &mut VecDeque<Out>, &mut Option<Out>);

struct Mutant {
    inner: Box<dyn Brain>,
    change: Change,
    out: VecDeque<Out>,
    kept: Option<Out>,
}

impl Brain for Mutant {
    fn handle(&mut self, now: Time, input: Input<SimBlock>) {
        self.inner.handle(now, input);
    }

    fn poll_output(&mut self) -> Option<Out> {
        while let Some(output) = self.inner.poll_output() {
            (self.change)(output, &mut self.out, &mut self.kept);
        }
        self.out.pop_front()
    }

    fn deadline(&self) -> Option<Time> {
        self.inner.deadline()
    }
}

/// The rules that are broken when the engines do that with what they are handed.
fn rules(change: Change) -> Vec<Rule> {
    let scenario = Scenario::new("mutation", "")
        .content(64, 32_768, 0)
        .with(Group::new(Role::Seed, 1))
        .with(Group::new(Role::Downloader, 2))
        .within(Duration::from_secs(100));
    let maker = move |birth: &Birth<'_>| -> Box<dyn Brain> {
        Box::new(Mutant { inner: makers::engine(birth), change, out: VecDeque::new(), kept: None })
    };
    found(World::new(scenario, 1, Box::new(maker)))
}

fn found(mut world: World) -> Vec<Rule> {
    world.run();
    let mut rules: Vec<Rule> = world.findings().found().iter().map(|violation| violation.rule).collect();
    rules.sort();
    rules.dedup();
    rules
}

#[test]
fn nothing_changed_nothing_found() {
    assert_eq!(rules(|output, out, _| out.push_back(output)), []);
}

#[test]
fn a_block_that_goes_to_the_disk_twice() {
    let found = rules(|output, out, _| {
        if let Output::Disk(Job::Write { torrent, at, data }) = output {
            out.push_back(Output::Disk(Job::Write { torrent, at, data }));
        }
        out.push_back(output);
    });
    assert!(found.contains(&Rule::Pool), "{found:?}");
}

#[test]
fn a_block_that_waits_for_the_next() {
    let found = rules(|output, out, kept| match output {
        Output::Disk(Job::Write { .. }) => out.extend(kept.replace(output)),
        output => out.push_back(output),
    });
    assert!(found.contains(&Rule::Pool), "{found:?}");
}

#[test]
fn a_block_that_was_read_for_one_and_goes_to_another() {
    // The two downloaders of a source take turns, so that what is kept is for one and leaves with what is for the other.
    let found = rules(|output, out, kept| match output {
        Output::SendBlock { conn, at, data } => {
            if let Some(Output::SendBlock { at: before, data: of, .. }) =
                kept.replace(Output::SendBlock { conn, at, data })
            {
                out.push_back(Output::SendBlock { conn, at: before, data: of });
            }
        }
        output => out.push_back(output),
    });
    assert!(found.contains(&Rule::Pool), "{found:?}");
}

/// Whether more is asked for while a disk judges nothing of what it has: pieces of 16 MiB.
fn asks_on(maker: fn(&Birth<'_>) -> Box<dyn Brain>) -> bool {
    let scenario = Scenario::new("behind", "")
        .content(8, 16 << 20, 0)
        .with(Group::new(Role::Seed, 1).rates(12_500_000, 12_500_000))
        .with(Group::new(Role::Downloader, 1))
        .within(Duration::from_secs(60));
    let mut world = World::new(scenario, 1, Box::new(maker));
    world.stop_disk(1);
    found(world).contains(&Rule::Pool)
}

#[test]
fn asking_for_more_than_the_disk_can_judge() {
    assert!(asks_on(makers::plain));
    assert!(!asks_on(makers::engine));
}
