//! Building an id index: peel the ids off the slots one by one, then fill the slots in the reverse order.

use bytes::Bytes;

use super::{HEADER, IdIndex, MAGIC, Shape, VERSION, fingerprint};

/// An id that comes twice: an index leads to one of its rows only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repeated(pub(crate) Box<str>);

/// One id: its hash under the seed of this try, and what the map shall give for it.
struct Key {
    hash: u64,
    group: u32,
    ordinal: usize,
}

/// The ids that share a slot: how many, and the exclusive or of their places in the list of keys.
#[derive(Clone, Default)]
struct Slot {
    keys: u32,
    places: u32,
}

impl IdIndex {
    /// Builds the index of ids, each once, with its row group.
    ///
    /// The same ids give the same bytes.
    ///
    /// # Errors
    /// An id that comes twice.
    pub(crate) fn build<'a>(
        ids: impl Iterator<Item = (&'a str, u32)> + Clone,
        groups: u32,
    ) -> Result<Self, Repeated> {
        let mut seed = 0;
        loop {
            let keys = keys(ids.clone(), seed);
            let shape = Shape::for_keys(keys.len(), groups, seed);
            if let Some(peeled) = peel(&keys, shape) {
                return Ok(fill(&keys, shape, &peeled));
            }
            // Now and then a seed has no luck; with an id that comes twice none has.
            if let Some(id) = repeated(keys, &ids) {
                return Err(Repeated(id.into()));
            }
            seed += 1;
        }
    }
}

fn keys<'a>(ids: impl Iterator<Item = (&'a str, u32)>, seed: u64) -> Vec<Key> {
    let shape = Shape::for_keys(0, 0, seed);
    ids.enumerate()
        .map(|(ordinal, (id, group))| Key {
            hash: shape.hash(id),
            group,
            ordinal,
        })
        .collect()
}

/// An id that comes twice, if any does.
fn repeated<'a>(
    mut keys: Vec<Key>,
    ids: &(impl Iterator<Item = (&'a str, u32)> + Clone),
) -> Option<&'a str> {
    keys.sort_unstable_by_key(|key| key.hash);
    let id = |key: &Key| ids.clone().nth(key.ordinal).map(|(id, _)| id);
    keys.windows(2).find_map(|pair| {
        let is_one = pair[0].hash == pair[1].hash && id(&pair[0]) == id(&pair[1]);
        is_one.then(|| id(&pair[0])).flatten()
    })
}

/// The order in which keys come off, each with a slot that it had for itself then; none if some never do.
fn peel(keys: &[Key], shape: Shape) -> Option<Vec<(u32, u32)>> {
    let count = usize::try_from(shape.slot_count()).ok()?;
    let mut slots = vec![Slot::default(); count];
    for (place, key) in (0..).zip(keys) {
        for slot in shape.slots(key.hash) {
            slots[slot].keys += 1;
            slots[slot].places ^= place;
        }
    }
    let mut alone: Vec<u32> = (0..)
        .zip(&slots)
        .filter_map(|(at, slot): (u32, _)| (slot.keys == 1).then_some(at))
        .collect();
    let mut peeled = Vec::with_capacity(keys.len());
    while let Some(at) = alone.pop() {
        let slot = &slots[at as usize];
        if slot.keys != 1 {
            continue;
        }
        let place = slot.places;
        peeled.push((place, at));
        for slot in shape.slots(keys[place as usize].hash) {
            slots[slot].keys -= 1;
            slots[slot].places ^= place;
            if slots[slot].keys == 1 {
                // A segment holds fewer slots than a u32 counts.
                alone.push(u32::try_from(slot).ok()?);
            }
        }
    }
    (peeled.len() == keys.len()).then_some(peeled)
}

/// Sets each key's own slot so that its three slots together give what they shall.
fn fill(keys: &[Key], shape: Shape, peeled: &[(u32, u32)]) -> IdIndex {
    let mut values = vec![0_u32; usize::try_from(shape.slot_count()).unwrap_or_default()];
    for &(place, own) in peeled.iter().rev() {
        let key = &keys[place as usize];
        let wanted = fingerprint(key.hash) | key.group << 16;
        let [a, b, c] = shape.slots(key.hash);
        let others = values[a] ^ values[b] ^ values[c] ^ values[own as usize];
        values[own as usize] = wanted ^ others;
    }
    IdIndex {
        shape,
        bytes: serialize(shape, &values),
    }
}

fn serialize(shape: Shape, values: &[u32]) -> Bytes {
    let width = 2 + usize::from(shape.group_bytes);
    let mut bytes = Vec::with_capacity(HEADER + values.len() * width + 4);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&[VERSION, shape.group_bytes, shape.block_log, 0]);
    bytes.extend_from_slice(&shape.blocks.to_le_bytes());
    bytes.extend_from_slice(&shape.groups.to_le_bytes());
    bytes.extend_from_slice(&shape.seed.to_le_bytes());
    for value in values {
        bytes.extend_from_slice(&value.to_le_bytes()[..width]);
    }
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    bytes.into()
}
