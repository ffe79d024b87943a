use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn built(ids: &[(String, u32)], groups: u32) -> IdIndex {
    IdIndex::build(ids.iter().map(|(id, group)| (id.as_str(), *group)), groups).unwrap()
}

proptest! {
    #[test]
    fn every_id_leads_to_its_row_group(
        ids in prop::collection::hash_map("\\PC{1,20}", 0_u32..40_000, 1..400),
        groups in prop::sample::select(vec![1_u32, 2, 256, 257, 40_000]),
    ) {
        let ids: HashMap<String, u32> = ids.into_iter().map(|(id, group)| (id, group % groups)).collect();
        let mut list: Vec<(String, u32)> = ids.clone().into_iter().collect();
        list.sort();
        let index = built(&list, groups);
        let read = IdIndex::parse(index.as_bytes().clone()).unwrap();
        for (id, group) in &ids {
            prop_assert_eq!(index.row_group(id), Some(*group));
            prop_assert_eq!(read.row_group(id), Some(*group));
        }
    }

    /// A checksum proves nothing about what was summed: a writer may have been wrong.
    #[test]
    fn nothing_under_a_right_checksum_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let ids: Vec<(String, u32)> = (0..50).map(|n| (format!("r{n}"), n / 10)).collect();
        let good = built(&ids, 5);
        let mut bytes = good.as_bytes()[..good.as_bytes().len() - CHECKSUM].to_vec();
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        for (at, byte) in &changes {
            let length = bytes.len();
            if let Some(changed) = bytes.get_mut(at.index(length.max(1))) {
                *changed = *byte;
            }
        }
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        if let Ok(read) = IdIndex::parse(bytes.into()) {
            for (id, _) in &ids {
                let _any = read.row_group(id);
            }
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        crate::archive::segment::rubbish::read_id_index(&bytes);
    }
}

#[test]
fn an_id_that_comes_twice_is_named() {
    for other in [0, 1] {
        let ids = [("a", 0), ("b", 0), ("c", 1), ("b", other)];
        let error = IdIndex::build(ids.into_iter(), 2).unwrap_err();
        assert_eq!(error, Repeated("b".into()));
    }
}

/// Counted over a million ids that are not there, against a million that are, in as many row groups as a segment has.
#[test]
fn absent_ids_seldom_cost_a_read_and_a_key_costs_under_four_bytes() {
    const KEYS: u32 = 1_000_000;
    let groups = KEYS.div_ceil(4096);
    let ids: Vec<(String, u32)> = (0..KEYS)
        .map(|n| (format!("{n:08x}-present"), n / 4096))
        .collect();
    let index = built(&ids, groups);
    for (id, group) in ids.iter().step_by(37) {
        assert_eq!(index.row_group(id), Some(*group), "{id}");
    }
    let bytes = index.as_bytes().len() as f64 / f64::from(KEYS);
    let wrong = (0..KEYS)
        .filter(|n| index.row_group(&format!("{n:08x}-absent")).is_some())
        .count();
    println!("{bytes:.3} bytes a key, {wrong} of {KEYS} absent ids cost a read");
    assert!(bytes < 3.5, "{bytes} bytes a key");
    // 2^-16 of them are expected to: 15. More than 45 would be a bug, not bad luck.
    assert!(wrong <= 45, "{wrong} of a million absent ids cost a read");
}

#[test]
fn the_same_ids_give_the_same_bytes() {
    let ids: Vec<(String, u32)> = (0..5000).map(|n| (format!("r{n}"), n / 1000)).collect();
    let index = built(&ids, 5);
    assert_eq!(index.as_bytes(), built(&ids, 5).as_bytes());
    // What files hold must never mean something else: this is the first version's form, for ever.
    assert_eq!(
        XxHash3_64::oneshot(index.as_bytes()),
        6_889_987_595_099_085_774
    );
}

#[test]
fn no_flipped_bit_and_no_cut_goes_unnoticed() {
    let ids: Vec<(String, u32)> = (0..50).map(|n| (format!("r{n}"), n / 10)).collect();
    let good = built(&ids, 5).as_bytes().to_vec();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        let error = IdIndex::parse(bad.into()).unwrap_err();
        assert_eq!(
            error.kind(),
            crate::ErrorKind::Corrupt,
            "byte {at}: {error}"
        );
        assert!(
            IdIndex::parse(good[..at].to_vec().into()).is_err(),
            "cut at {at}"
        );
    }
}

#[test]
fn a_later_version_is_refused_by_name() {
    let mut bytes = built(&[("a".to_owned(), 0)], 1).as_bytes().to_vec();
    bytes[4] = 2;
    let body = bytes.len() - 4;
    let checksum = crc32fast::hash(&bytes[..body]).to_le_bytes();
    bytes[body..].copy_from_slice(&checksum);
    let error = IdIndex::parse(bytes.into()).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Unsupported);
}
