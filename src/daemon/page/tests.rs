use super::{Hits, Html, Number, hits};

#[test]
fn what_a_name_says_is_never_markup() {
    let name = "<img src=x onerror='alert(1)'> & \"co\"";
    assert_eq!(
        Html(name).to_string(),
        "&lt;img src=x onerror=&#39;alert(1)&#39;&gt; &amp; &quot;co&quot;"
    );
}

#[test]
fn numbers_are_grouped() {
    for (number, text) in [
        (0, "0"),
        (999, "999"),
        (1000, "1,000"),
        (336_776, "336,776"),
    ] {
        assert_eq!(Number(number).to_string(), text);
    }
}

#[test]
fn the_hit_ratio_counts_a_collections_reads() {
    let metrics = r#"
# HELP thermocline_requests_total ..
thermocline_requests_total{collection="a",tier="hot",op="read",outcome="found"} 90
thermocline_requests_total{collection="a",tier="hot",op="read_many",outcome="absent"} 5
thermocline_requests_total{collection="a",tier="primary",op="read",outcome="found"} 4
thermocline_requests_total{collection="a",tier="archive",op="read",outcome="absent"} 1
thermocline_requests_total{collection="a",tier="primary",op="write",outcome="done"} 1000
thermocline_requests_total{collection="ab",tier="hot",op="read",outcome="found"} 7
"#;
    let expected = Hits {
        hot: 95,
        reads: 100,
    };
    assert_eq!(hits(metrics, "a"), expected);
    assert_eq!(hits(metrics, "b"), Hits::default());
}
