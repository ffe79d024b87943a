//! What the commands give to a shell and to `man`.

use super::World;

#[test]
fn every_shell_gets_its_completions() {
    let world = World::empty();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = world.ok(&["completions", shell]);
        for word in ["thermocline", "explain", "--collection"] {
            let said = script.contains(word) || script.contains(word.trim_start_matches('-'));
            assert!(said, "{shell} has no {word}");
        }
    }
    let wrong = world.run(&["completions", "dos"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.err.contains("possible values: bash"), "{}", wrong.err);
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let world = World::empty();
    world.ok(&["man", "."]);
    for (page, text) in [
        ("thermocline.1", "Start here"),
        ("thermocline-search.1", "thermocline"),
        ("thermocline-archive.1", "cron"),
    ] {
        let found = std::fs::read_to_string(world.path().join(page)).expect(page);
        assert!(found.contains(text), "{page}: {found}");
    }
    let nowhere = world.run(&["man", "nowhere"]);
    assert_eq!(nowhere.code, Some(1));
    assert!(nowhere.err.contains("folder: nowhere"), "{}", nowhere.err);
}
