use super::*;

fn copied() -> Vec<u8> {
    let mut bytes = SIGNATURE.to_vec();
    bytes.extend([0; 8]);
    for row in [[Some(&b"ab"[..]), None], [Some(&b""[..]), Some(&b"c"[..])]] {
        bytes.extend(2_i16.to_be_bytes());
        for cell in row {
            bytes.extend(
                cell.map_or(-1, |cell| i32::try_from(cell.len()).unwrap())
                    .to_be_bytes(),
            );
            bytes.extend(cell.unwrap_or_default());
        }
    }
    bytes.extend((-1_i16).to_be_bytes());
    bytes
}

/// Wherever the network cuts it, the same rows come out; without its end it is not done.
#[test]
fn a_copy_may_be_cut_anywhere() {
    let bytes = copied();
    for size in 1..=bytes.len() {
        let (mut rows, mut seen) = (CopyRows::default(), Vec::new());
        for part in bytes.chunks(size) {
            assert!(!rows.is_done());
            rows.push(part);
            while let Some(row) = rows.row().unwrap() {
                seen.push([0, 1].map(|index| row.bytes(index).unwrap().map(<[u8]>::to_vec)));
            }
        }
        assert!(rows.is_done());
        let expected = [
            [Some(b"ab".to_vec()), None],
            [Some(Vec::new()), Some(b"c".to_vec())],
        ];
        assert_eq!(seen, expected, "in parts of {size}");
    }
}

#[test]
fn what_is_no_copy_is_corrupt() {
    let mut rows = CopyRows::default();
    rows.push(&[b'x'; 64]);
    assert_eq!(rows.row().unwrap_err().kind(), crate::ErrorKind::Corrupt);
}
