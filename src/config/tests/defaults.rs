use super::*;

#[test]
fn nothing_given_is_enough() {
    let loaded = nothing().load().unwrap();
    let Loaded { settings, warnings } = &loaded;
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert_eq!((settings.data_dir.as_path(), settings.exposed), (Path::new("/data"), false));
    assert_eq!(settings.log_format, LogFormat::Text);
    assert_eq!((settings.routing.mode, settings.routing.kappa), (DecisionMode::Floor, 0.5));
    assert_eq!((settings.routing.allow.join(","), settings.routing.deny.len()), ("*".to_owned(), 0));
    assert_eq!(settings.learning.forgetting, 0.9995);
    assert_eq!(settings.limits.max_body_bytes, 10 << 20);
    assert!(settings.named_policies.is_empty() && settings.providers.is_empty());
}

/// The example with every line of the form `#key = …` or `#[section]` uncommented.
fn uncommented() -> String {
    let uncomment = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting.to_owned(),
        _ => line.to_owned(),
    };
    init_example().lines().map(uncomment).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_uncommented_equals_the_defaults() {
    let settings = file(&uncommented()).settings();
    assert_eq!(settings, nothing().settings());
    assert_eq!(file(&init_example()).settings(), settings, "and so does the example as it is");
}

#[test]
fn the_example_sets_every_plain_setting_that_has_a_default() {
    let text = uncommented();
    for section in SECTIONS.iter().filter(|section| !section.named) {
        for setting in section.settings().filter(|s| matches!(s.default, declare::DefaultValue::Is(_))) {
            assert!(text.lines().any(|line| line.starts_with(&format!("{} = ", setting.key))), "{}", setting.key);
        }
    }
}

#[test]
fn every_default_and_every_example_value_fits_its_setting() {
    for setting in SECTIONS.iter().flat_map(settings::SectionInfo::settings) {
        let (declare::DefaultValue::Is(plain) | declare::DefaultValue::Unset { example: plain }) = setting.default;
        let checked = (setting.check)(&values::Raw::Plain(plain.to_owned()), setting.range);
        assert_eq!(checked, Ok(()), "{}", setting.key);
    }
}

#[test]
fn every_setting_is_documented_once_and_in_one_line() {
    for setting in SECTIONS.iter().flat_map(settings::SectionInfo::settings) {
        assert!(setting.doc.ends_with('.') && !setting.doc.contains(['\n', '|']), "{}: {}", setting.key, setting.doc);
    }
    let reference = reference();
    let row = "| `kappa` | `0.5` | a number from 0 to 5 | `SATISFICE_ROUTING_KAPPA` | Caution: predictions are judged at \
               mean minus kappa standard deviations. |";
    assert!(reference.contains(row), "{reference}");
    assert!(reference.contains("| `kappa` | that of `[routing]` |"), "{reference}");
}

#[test]
fn no_two_settings_share_a_variable() {
    let mut seen = BTreeSet::new();
    for section in &SECTIONS {
        for setting in section.settings() {
            assert!(seen.insert(environment::variable(section, setting)), "{}", setting.key);
            let short = environment::short_variable(section, setting);
            assert!(short.is_none_or(|name| seen.insert(name)), "{}", setting.key);
        }
    }
    for reserved in environment::RESERVED {
        assert!(seen.insert(format!("SATISFICE_{reserved}")), "{reserved}");
    }
}

#[test]
fn every_line_of_the_example_is_toml_once_uncommented() {
    let is_setting = |line: &&str| {
        let key = line.split(" = ").next().unwrap_or_default();
        line.contains(" = ") && key.bytes().all(|c| c.is_ascii_lowercase() || c == b'_')
    };
    let text = init_example();
    let lines: Vec<_> = text.lines().map(|line| line.trim_start_matches(['#', ' '])).filter(is_setting).collect();
    let settings: usize = SECTIONS.iter().map(|section| section.settings().count()).sum();
    assert_eq!(lines.len(), settings);
    for line in lines {
        assert!(line.parse::<toml::Table>().is_ok(), "{line}");
    }
}
