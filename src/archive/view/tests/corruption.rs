//! Damaged objects: an error that says so, never another answer, never a shorter one.

use proptest::prelude::*;

use crate::archive::column::{ColumnType, columns_with as columns};
use crate::{ErrorKind, Query, Result};

use super::rig::{Rig, row};

async fn rig() -> Rig {
    let mut rig = Rig::new(columns(&[
        ("n", ColumnType::Integer),
        ("s", ColumnType::Text),
    ]));
    let rows = (0..5_000).map(|n| {
        row(
            &format!("r{n:04}"),
            &format!(r#"{{"n":{n},"s":"{}","x":{}}}"#, n % 7, n * n),
            n,
        )
    });
    rig.segment(rows.collect()).await;
    rig
}

/// The answers to questions that read everything: ids in order, a filtered count, two lookups.
async fn answers(rig: &Rig) -> Result<(Vec<String>, u64, Option<String>, Option<String>)> {
    let by_n = Query::all().sort("n", crate::Order::Desc)?;
    Ok((
        rig.ids(&by_n).await?,
        rig.count(&Query::filter("s = '3' and x > 100")?).await?,
        rig.fields("r4711").await?,
        rig.fields("absent").await?,
    ))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_flipped_bit_in_a_stored_file_never_changes_an_answer(
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..8), 1..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let rig = rig().await;
            let path = rig.dir.path().join(&*rig.files[0].path);
            let mut bytes = std::fs::read(&path).unwrap();
            for (at, bit) in &flips {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            std::fs::write(&path, &bytes).unwrap();
            match answers(&rig).await {
                Err(error) => prop_assert_eq!(error.kind(), ErrorKind::Corrupt, "{:?}", error),
                Ok(found) => {
                    let whole = answers(&self::rig().await).await.unwrap();
                    prop_assert_eq!(found, whole, "flips {:?}", flips);
                }
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}

#[tokio::test]
async fn a_truncated_file_is_corrupt_at_every_length() {
    let rig = rig().await;
    let path = rig.dir.path().join(&*rig.files[0].path);
    let bytes = std::fs::read(&path).unwrap();
    for length in [
        0,
        1,
        8,
        1000,
        bytes.len() / 2,
        bytes.len() - 9,
        bytes.len() - 1,
    ] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        for error in [
            rig.ids(&Query::all()).await.unwrap_err(),
            rig.fields("r0001").await.unwrap_err(),
        ] {
            assert_eq!(
                error.kind(),
                ErrorKind::Corrupt,
                "cut to {length}: {error:?}"
            );
            assert!(error.to_string().contains("f0.parquet"), "{error}");
        }
    }
    // Truncated after its tail was read.
    std::fs::write(&path, &bytes).unwrap();
    assert!(rig.fields("r0001").await.unwrap().is_some());
    std::fs::write(&path, &bytes[..100]).unwrap();
    assert_eq!(
        rig.fields("r0002").await.unwrap_err().kind(),
        ErrorKind::Corrupt
    );
    assert_eq!(
        rig.ids(&Query::all()).await.unwrap_err().kind(),
        ErrorKind::Corrupt
    );
}

#[tokio::test]
async fn a_missing_object_is_corrupt_and_told_apart() {
    let rig = rig().await;
    std::fs::remove_file(rig.dir.path().join(&*rig.files[0].path)).unwrap();
    for error in [
        rig.ids(&Query::all()).await.unwrap_err(),
        rig.fields("r0001").await.unwrap_err(),
        rig.count(&Query::filter("n = 1").unwrap())
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains("missing"), "{error}");
        let named: Vec<_> = error.context().map(|(key, _)| key).collect();
        assert_eq!(named, ["object", "folder"], "each once");
    }
}

/// A bad file of others may be anything; it must not take the process down, nor answer.
#[tokio::test]
async fn rubbish_in_place_of_a_file_of_others_is_corrupt() {
    let good = super::foreign::parquet(
        vec![(
            "id",
            1,
            std::sync::Arc::new(arrow_array::StringArray::from(vec!["a", "b"])),
        )],
        1,
    );
    let mut cases = vec![
        b"".to_vec(),
        b"PAR1".to_vec(),
        vec![0; 4096],
        b"PAR1\xff\xff\xff\x7fPAR1".to_vec(),
        [
            b"PAR1".as_slice(),
            &[7; 100],
            &100_u32.to_le_bytes(),
            b"PAR1",
        ]
        .concat(),
    ];
    cases.extend(
        (1..good.len())
            .step_by(37)
            .map(|length| good[..length].to_vec()),
    );
    for bytes in cases {
        let mut rig = Rig::new(columns(&[]));
        rig.file(bytes.clone().into(), 2).await;
        let error = rig.ids(&Query::all()).await.unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::Corrupt,
            "{} bytes: {error:?}",
            bytes.len()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Files of others have no checksums: a changed byte may be another answer, and never a panic.
    #[test]
    fn no_change_of_a_file_of_others_takes_the_process_down(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let texts = |texts: [&str; 3]| std::sync::Arc::new(arrow_array::StringArray::from(texts.to_vec()));
        let good = super::foreign::parquet(
            vec![("id", 1, texts(["a", "b", "c"])), ("fields", 7, texts(["{}", r#"{"n":1}"#, "{}"]))],
            2,
        );
        let mut bytes = good.to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut rig = Rig::new(columns(&[("n", ColumnType::Integer)]));
            rig.file(bytes.into(), 3).await;
            for error in [rig.ids(&Query::all()).await.err(), rig.fields("b").await.err()].into_iter().flatten() {
                let told = matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported);
                prop_assert!(told, "{error:?}");
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}
