//! A window on the torrents (own design): which, in which order, from where on. All of it is answered from what is kept in memory, and only the rows of the
//! window are written out.
use crate::daemon::Daemon;
use crate::failed::Failed;
use crate::order::{Key, chosen};
use crate::select::Selector;
use crate::shown::told;
use crate::told::{Keys, Told};
use serde::{Serialize, Serializer};
use teem_client::metainfo::InfoHash;
use utoipa::ToSchema;

/// Rows that are looked up before others may change some.
const AT_ONCE: usize = 200;

/// What is to be seen.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Query {
    /// All where there is none.
    pub(crate) select: Vec<Selector>,
    pub(crate) sort: Key,
    pub(crate) descending: bool,
    pub(crate) offset: usize,
    /// All from there on where there is none.
    pub(crate) limit: Option<usize>,
    /// The keys that are shown of each torrent.
    pub(crate) keys: Keys,
}

/// A window on the torrents.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub(crate) struct Window {
    /// How many torrents are selected, shown or not.
    pub(crate) total: usize,
    /// The number of the last change of any torrent.
    pub(crate) revision: u64,
    /// How many of the selected torrents come before the first that is shown.
    pub(crate) offset: usize,
    /// The torrents that are shown. Where the request names `fields`, they have these keys and `infohash` alone.
    #[schema(value_type = Vec<Told>)]
    pub(crate) torrents: Rows,
    /// The revision of each of them.
    #[serde(skip)]
    pub(crate) revisions: Vec<u64>,
}

/// Torrents, with the keys that are to be seen.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Rows {
    pub(crate) rows: Vec<Told>,
    pub(crate) keys: Keys,
}

impl Serialize for Rows {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_seq(self.rows.iter().map(|row| row.with(&self.keys)))
    }
}

impl Window {
    /// A window that nothing is in.
    pub(crate) fn nothing(revision: u64) -> Self {
        let torrents = Rows { rows: Vec::new(), keys: Keys::default() };
        Self { total: 0, revision, offset: 0, torrents, revisions: Vec::new() }
    }
}

impl Daemon {
    /// A window as it is now. Asks nobody. What it takes beside its rows is what changed since the last of its order, as long as that is remembered.
    pub(crate) async fn window(&self, query: Query) -> Result<Window, Failed> {
        let daemon = self.clone();
        let window = tokio::task::spawn_blocking(move || {
            daemon.refresh();
            let life = daemon.pulse().life_kept();
            daemon.cut(query, life)
        });
        window.await.unwrap_or_else(|e| Err(Failed::Wish(format!("a fault of this program, please report it: {e}"))))
    }

    fn cut(&self, query: Query, life: u64) -> Result<Window, Failed> {
        let Query { select, sort, descending, offset, limit, keys } = query;
        let (total, revision, from, shown) = {
            let mut orders = self.orders();
            let torrents = self.torrents();
            let order = orders.of(&torrents, &select, sort, descending, life)?;
            let from = offset.min(order.len());
            let to = limit.map_or(order.len(), |limit| from.saturating_add(limit).min(order.len()));
            (order.len(), torrents.revision(), from, order[from..to].to_vec())
        };
        let (mut rows, mut revisions) = (Vec::with_capacity(shown.len()), Vec::with_capacity(shown.len()));
        for some in shown.chunks(AT_ONCE) {
            let torrents = self.torrents();
            for (hash, kept) in some.iter().filter_map(|hash| Some((*hash, torrents.get(hash)?))) {
                rows.push(told(hash, kept, None, life));
                revisions.push(kept.line.revision);
            }
        }
        Ok(Window { total, revision, offset: from, torrents: Rows { rows, keys }, revisions })
    }

    /// The torrents that these select, in the order of their info-hashes; none where nothing is selected.
    pub(crate) fn selected(&self, select: &[Selector]) -> Result<Vec<InfoHash>, Failed> {
        if select.is_empty() {
            return Ok(Vec::new());
        }
        self.refresh();
        chosen(&self.torrents(), select)
    }
}
