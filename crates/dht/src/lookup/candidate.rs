//! One node that a look-up may ask (own design): what is known of it, who named it, and how far it has come.
use crate::id::Distance;
use crate::krpc::message::Contact;
use crate::table::bucket::network;
use alloc::vec::Vec;

/// How far a node has come in a look-up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// It was named and not asked.
    Fresh,
    /// It is asked, and its answer may well come.
    Asked,
    /// Its answer is late: another is asked in its stead, and the answer still counts.
    Late,
    /// It has answered, with a token or without.
    Answered(Option<Vec<u8>>),
    /// It does not answer.
    Failed,
}

/// A node with its standing.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) contact: Contact,
    pub(crate) distance: Distance,
    /// Its id fits its address (BEP 42).
    pub(crate) fits: bool,
    /// The network that it counts for.
    pub(crate) network: Option<[u8; 8]>,
    /// The place among the introducers of the one that named it first; none for what we knew ourselves.
    pub(crate) introducer: Option<usize>,
    /// Another has named it too.
    pub(crate) confirmed: bool,
    pub(crate) state: State,
    /// Times that it was asked.
    pub(crate) tries: u8,
}

impl Candidate {
    pub(crate) fn new(contact: Contact, distance: Distance, fits: bool, introducer: Option<usize>) -> Self {
        let network = network(contact.addr.ip());
        let state = State::Fresh;
        Self { contact, distance, fits, network, introducer, confirmed: false, state, tries: 0 }
    }

    pub(crate) fn has_answered(&self) -> bool {
        matches!(self.state, State::Answered(_))
    }
}
