//! What real eggs set in real configurations (config files as their programs write them).

use sf_edits::{Edited, apply};
use sf_protocol::server::{EditValue, Parser, SetKey};

fn text(key: &str, value: &str) -> SetKey {
    SetKey { key: key.to_owned(), only_if: None, value: EditValue::Text(value.to_owned()) }
}

fn edited(parser: Parser, before: &str, set: &[SetKey]) -> String {
    let Edited { bytes, warnings, .. } = apply(parser, before.as_bytes(), set).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    let again = apply(parser, &bytes, set).unwrap();
    assert!(!again.changed, "{}", String::from_utf8_lossy(&again.bytes));
    String::from_utf8(bytes).unwrap()
}

/// Lines that differ, `-` and `+`.
fn difference(before: &str, after: &str) -> Vec<String> {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let gone = before.iter().filter(|line| !after.contains(line)).map(|line| format!("-{line}"));
    let new = after.iter().filter(|line| !before.contains(line)).map(|line| format!("+{line}"));
    gone.chain(new).collect()
}

#[test]
fn paper_server_properties() {
    let before = "#Minecraft server properties\n#Fri Nov 27 20:00:00 UTC 2026\naccepts-transfers=false\nenable-query=false\n\
                  generator-settings={}\nlevel-name=world\nmotd=A Minecraft Server\nquery.port=25565\nserver-ip=\nserver-port=25565\n\
                  # mine: keep\nspawn-protection=16\n";
    let set = [text("server-ip", "0.0.0.0"), text("server-port", "27015"), text("query.port", "27015")];
    assert_eq!(
        difference(before, &edited(Parser::Properties, before, &set)),
        [
            "-query.port=25565",
            "-server-ip=",
            "-server-port=25565",
            "+query.port=27015",
            "+server-ip=0.0.0.0",
            "+server-port=27015"
        ]
    );
}

const BUNGEE: &str = "\
server_connect_timeout: 5000
remote_ping_cache: -1
# who may do what
permissions:
  default:
  - bungeecord.command.server
  - bungeecord.command.list
listeners:
- query_port: 25577
  motd: '&1Another Bungee server'
  tab_list: GLOBAL_PING
  priorities:
  - lobby
  bind_local_address: true
  host: 0.0.0.0:25577 # all of them
  max_players: 1
servers:
  lobby:
    motd: '&1Just another BungeeCord - Forced Host'
    address: localhost:25565
    restricted: false
  far:
    motd: far
    address: 192.0.2.7:25565
  near:
    motd: near
    address: 127.0.0.1
ip_forward: false
";

#[test]
fn bungeecord_config() {
    let set = [
        text("listeners[0].query_port", "27015"),
        text("listeners[0].host", "0.0.0.0:27015"),
        SetKey {
            key: "servers.*.address".to_owned(),
            only_if: Some(r"regex:^(127\.0\.0\.1|localhost)(:\d{1,5})?$".to_owned()),
            value: EditValue::Text("172.18.0.1$2".to_owned()),
        },
    ];
    assert_eq!(
        difference(BUNGEE, &edited(Parser::Yaml, BUNGEE, &set)),
        [
            "-- query_port: 25577",
            "-  host: 0.0.0.0:25577 # all of them",
            "-    address: localhost:25565",
            "-    address: 127.0.0.1",
            "+- query_port: 27015",
            "+  host: 0.0.0.0:27015 # all of them",
            "+    address: 172.18.0.1:25565",
            "+    address: 172.18.0.1",
        ]
    );
    // Before its first start there is none: what is needed is made.
    let made = edited(Parser::Yaml, "", &set);
    assert_eq!(made, "listeners:\n- query_port: '27015'\n  host: 0.0.0.0:27015\n");
    // With Windows' line ends.
    let before = BUNGEE.replace('\n', "\r\n");
    let after = edited(Parser::Yaml, &before, &set);
    assert_eq!(after.matches("\r\n").count(), before.matches("\r\n").count());
}

#[test]
fn mumble_ini() {
    let before = "; Murmur configuration file.\n;\n; Path to database.\ndatabase=\n; logfile=murmur.log\n\nport=64738\n\
                  serverpassword=\nusers=100\n;host=\nwelcometext=\"<br />Welcome; to <b>Murmur</b>.<br />\"\n\n[Ice]\nIce.Warn.UnknownProperties=1\n";
    let set = [
        text("database", "/srv/container/murmur.sqlite"),
        text("logfile", "/srv/container/murmur.log"),
        text("port", "27015"),
        text("host", "0.0.0.0"),
        text("users", "50"),
    ];
    let after = edited(Parser::Ini, before, &set);
    assert_eq!(
        difference(before, &after),
        [
            "-database=",
            "-port=64738",
            "-users=100",
            "+database=/srv/container/murmur.sqlite",
            "+port=27015",
            "+users=50",
            "+logfile=/srv/container/murmur.log",
            "+host=0.0.0.0",
        ]
    );
    // New ones are in no section, too.
    assert!(after.find("host=0.0.0.0").unwrap() < after.find("[Ice]").unwrap());
}

#[test]
fn space_engineers_xml() {
    let before = "<?xml version=\"1.0\"?>\r\n<MyConfigDedicated xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\">\r\n  <SessionSettings>\r\n    \
                  <GameMode>Creative</GameMode>\r\n    <!-- players -->\r\n    <MaxPlayers>4</MaxPlayers>\r\n  </SessionSettings>\r\n  \
                  <LoadWorld />\r\n  <ServerPort>27016</ServerPort>\r\n  <ServerName />\r\n</MyConfigDedicated>\r\n";
    let set = [
        text("MyConfigDedicated.SessionSettings.GameMode", "Survival"),
        text("MyConfigDedicated.SessionSettings.EnableSaving", "true"),
        text("MyConfigDedicated.LoadWorld", r"Z:\home\container\config\Saves\World\Sandbox.sbc"),
        text("MyConfigDedicated.ServerPort", "27015"),
        text("MyConfigDedicated.ServerName", "Tom & Jerry <1>"),
    ];
    assert_eq!(
        difference(before, &edited(Parser::Xml, before, &set)),
        [
            "-    <GameMode>Creative</GameMode>",
            "-  <LoadWorld />",
            "-  <ServerPort>27016</ServerPort>",
            "-  <ServerName />",
            "+    <GameMode>Survival</GameMode>",
            "+    <EnableSaving>true</EnableSaving>",
            r"+  <LoadWorld>Z:\home\container\config\Saves\World\Sandbox.sbc</LoadWorld>",
            "+  <ServerPort>27015</ServerPort>",
            "+  <ServerName>Tom &amp; Jerry &lt;1&gt;</ServerName>",
        ]
    );
}

#[test]
fn arma_reforger_json() {
    let before = "{\n\t\"bindPort\": 2001,\n\t\"publicPort\": 2001,\n\t\"game\": {\n\t\t\"name\": \"Old\",\n\t\t\"maxPlayers\": 64,\n\t\t\
                  \"gameProperties\": {\n\t\t\t\"fastValidation\": false,\n\t\t\t\"battlEye\": true\n\t\t}\n\t}\n}\n";
    let set = [
        text("bindAddress", "0.0.0.0"),
        text("bindPort", "27015"),
        text("game.name", "A \"fine\" server"),
        text("game.maxPlayers", "32"),
        text("game.visible", "true"),
        SetKey { key: "game.gameProperties.fastValidation".to_owned(), only_if: None, value: EditValue::Bool(true) },
        text("game.gameProperties.battlEye", "false"),
    ];
    let after = edited(Parser::Json, before, &set);
    let read: serde_json::Value = serde_json::from_str(&after).unwrap();
    assert_eq!(
        read,
        serde_json::json!({
            "bindPort": 27015, "publicPort": 2001, "bindAddress": "0.0.0.0",
            "game": {
                "name": "A \"fine\" server", "maxPlayers": 32, "visible": "true",
                "gameProperties": {"fastValidation": true, "battlEye": false},
            },
        })
    );
    assert!(
        after.contains("\n\t\t\"visible\": \"true\"\n") && after.contains("\n\t\"bindAddress\": \"0.0.0.0\"\n"),
        "{after}"
    );
}

#[test]
fn krypton_conf_and_openttd_cfg() {
    let before = "server {\n  ip = \"127.0.0.1\"\n  port = 25565\n}\n";
    let set = [text("  port", "  port = 27015"), text("  ip", "  ip = \"0.0.0.0\"")];
    assert_eq!(edited(Parser::File, before, &set), "server {\n  ip = \"0.0.0.0\"\n  port = 27015\n}\n");
    let before = "[misc]\ndisplay_opt = SHOW\n\n[network]\nserver_port = 3979\nserver_name =\n";
    let set = [
        text("network.server_port", "27015"),
        text("network.server_name", "Züge"),
        SetKey { key: "network.lan_internet".to_owned(), only_if: None, value: EditValue::Integer(0) },
    ];
    let after = edited(Parser::Ini, before, &set);
    assert_eq!(
        difference(before, &after),
        ["-server_port = 3979", "-server_name =", "+server_port = 27015", "+server_name =Züge", "+lan_internet = 0"]
    );
}
