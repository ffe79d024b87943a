use super::{Html, Number};

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
