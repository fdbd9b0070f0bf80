//! The reference page of the tools is what the program says. `SF_BLESS=1` rewrites it.

#[test]
fn the_reference_page_is_up_to_date() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/mcp-tools.md");
    let made = sf_mcp::tools::reference::page();
    if sf_runtime::env::var("SF_BLESS").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == made,
        "docs/reference/mcp-tools.md is not what the program says: run this once with SF_BLESS=1 and commit it"
    );
}
