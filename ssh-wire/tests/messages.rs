//! Every message: its bytes, there and back, and cut short anywhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// Macros take the types' names, with a lifetime or without.
#![allow(elided_lifetimes_in_paths)]

use hex_literal::hex;
use proptest::prelude::*;
use ssh_wire::{
    DecodeError, Encode, Message, Mpint, NameList, Reader, Rest,
    message::{auth::*, connection::*, kex::*, transport::*},
};

/// Asserts that a message has these bytes, is read back from them, and from nothing that is shorter (but for the last
/// `open` bytes, whose end is the message's), longer, or of another number.
macro_rules! assert_bytes {
    ($type:ident, $message:expr, $bytes:expr, open $open:expr) => {{
        let (message, bytes): ($type, Vec<u8>) = ($message, $bytes.to_vec());
        let open: usize = $open;
        assert_eq!(message.to_payload(), bytes, "{message:?}");
        assert_eq!(bytes[0], $type::NUMBER);
        assert_eq!($type::parse(&bytes), Ok(message));
        assert_eq!($type::parse(b""), Err(DecodeError::Truncated));
        for end in 0..bytes.len() - open {
            assert_eq!($type::parse(&bytes[..end]), Err(DecodeError::Truncated), "{message:?} cut to {end}");
        }
        for end in bytes.len() - open..bytes.len() {
            assert!($type::parse(&bytes[..end]).is_ok());
        }
        let mut other = bytes.clone();
        other[0] ^= 0x80;
        let expected = DecodeError::Number { expected: bytes[0], found: bytes[0] ^ 0x80 };
        assert_eq!($type::parse(&other), Err(expected));
        if !format!("{message:?}").contains("Rest(") {
            let longer = [&bytes[..], &[0]].concat();
            assert_eq!($type::parse(&longer), Err(DecodeError::Trailing(1)));
        }
    }};
    ($type:ident, $message:expr, $bytes:expr) => {
        assert_bytes!($type, $message, $bytes, open 0)
    };
}

/// The same for the data of a request.
macro_rules! assert_data {
    ($type:ident, $data:expr, $bytes:expr) => {{
        let (data, bytes): ($type, Vec<u8>) = ($data, $bytes.to_vec());
        let mut encoded = Vec::new();
        data.encode(&mut encoded);
        assert_eq!(encoded, bytes);
        assert_eq!(Rest(&bytes).parse::<$type>(), Ok(data));
        for end in 0..bytes.len() {
            assert_eq!(Rest(&bytes[..end]).parse::<$type>(), Err(DecodeError::Truncated));
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(Rest(&longer).parse::<$type>(), Err(DecodeError::Trailing(1)));
    }};
}

#[test]
fn transport() {
    assert_bytes!(
        Disconnect,
        Disconnect { reason: 11, description: b"bye", language: b"en" },
        hex!("01 0000000b 00000003 627965 00000002 656e")
    );
    assert_bytes!(Ignore, Ignore { data: b"\x00\xff" }, hex!("02 00000002 00ff"));
    assert_bytes!(Unimplemented, Unimplemented { seq: 0x0102_0304 }, hex!("03 01020304"));
    assert_bytes!(
        Debug,
        Debug { always_display: true, message: b"hi", language: b"" },
        hex!("04 01 00000002 6869 00000000")
    );
    assert_bytes!(
        ServiceRequest,
        ServiceRequest { service: b"ssh-userauth" },
        hex!("05 0000000c 7373682d7573657261757468")
    );
    assert_bytes!(ServiceAccept, ServiceAccept { service: b"x" }, hex!("06 00000001 78"));
    assert_bytes!(NewKeys, NewKeys {}, hex!("15"));
    assert_bytes!(NewCompress, NewCompress {}, hex!("08"));
    assert_bytes!(Ping, Ping { data: b"p" }, hex!("c0 00000001 70"));
    assert_bytes!(Pong, Pong { data: b"p" }, hex!("c1 00000001 70"));
}

#[test]
fn kexinit() {
    let message = KexInit {
        cookie: [0xc0; 16],
        kex: "a,b".into(),
        host_key: "c".into(),
        cipher_c2s: "d".into(),
        cipher_s2c: "e".into(),
        mac_c2s: "f".into(),
        mac_s2c: "g".into(),
        compression_c2s: "h".into(),
        compression_s2c: "i".into(),
        language_c2s: "".into(),
        language_s2c: "".into(),
        first_kex_packet_follows: true,
        reserved: 0,
    };
    assert_bytes!(
        KexInit,
        message,
        hex!(
            "14 c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0
             00000003 612c62 00000001 63 00000001 64 00000001 65 00000001 66
             00000001 67 00000001 68 00000001 69 00000000 00000000 01 00000000"
        )
    );
}

#[test]
fn ext_info() {
    let builder = ExtInfoBuilder::default().with("server-sig-algs", b"ssh-ed25519").with("a", b"");
    assert_bytes!(
        ExtInfo,
        builder.message(),
        hex!(
            "07 00000002
             0000000f 7365727665722d7369672d616c6773 0000000b 7373682d65643235353139
             00000001 61 00000000"
        )
    );
    let payload = builder.message().to_payload();
    let pairs: Vec<_> = ExtInfo::parse(&payload).unwrap().iter().collect();
    assert_eq!(pairs, [(&b"server-sig-algs"[..], &b"ssh-ed25519"[..]), (b"a", b"")]);
    let none = ExtInfoBuilder::default();
    assert_bytes!(ExtInfo, none.message(), hex!("07 00000000"));
}

#[test]
fn counts_that_lie_are_refused_at_once() {
    assert_eq!(ExtInfo::parse(&hex!("07 ffffffff 00000000 00000000")), Err(DecodeError::Truncated));
    assert_eq!(
        InfoRequest::parse(&hex!("3c 00000000 00000000 00000000 ffffffff")),
        Err(DecodeError::Truncated)
    );
    assert_eq!(InfoResponse::parse(&hex!("3d ffffffff 00000000")), Err(DecodeError::Truncated));
    // Counts that are too small leave bytes behind.
    assert_eq!(ExtInfo::parse(&hex!("07 00000000 00000000 00000000")), Err(DecodeError::Trailing(8)));
    assert_eq!(
        InfoRequest::parse(&hex!("3c 00000000 00000000 00000000 00000000 00000000 01")),
        Err(DecodeError::Trailing(5))
    );
    assert_eq!(InfoResponse::parse(&hex!("3d 00000000 00000000")), Err(DecodeError::Trailing(4)));
}

#[test]
fn key_exchange() {
    let number = Mpint::from_unsigned(&[0x80]);
    assert_bytes!(DhInit, DhInit { e: number }, hex!("1e 00000002 0080"));
    assert_bytes!(
        DhReply,
        DhReply { host_key: b"K", f: number, signature: b"S" },
        hex!("1f 00000001 4b 00000002 0080 00000001 53")
    );
    assert_bytes!(EcdhInit, EcdhInit { q_c: b"\x04Q" }, hex!("1e 00000002 0451"));
    assert_bytes!(
        EcdhReply,
        EcdhReply { host_key: b"K", q_s: b"Q", signature: b"S" },
        hex!("1f 00000001 4b 00000001 51 00000001 53")
    );
    assert_bytes!(GexRequestOld, GexRequestOld { bits: 2048 }, hex!("1e 00000800"));
    assert_bytes!(
        GexRequest,
        GexRequest { min: 2048, preferred: 3072, max: 8192 },
        hex!("22 00000800 00000c00 00002000")
    );
    assert_bytes!(
        GexGroup,
        GexGroup { p: number, g: Mpint::from_unsigned(&[2]) },
        hex!("1f 00000002 0080 00000001 02")
    );
    assert_bytes!(GexInit, GexInit { e: number }, hex!("20 00000002 0080"));
    assert_bytes!(
        GexReply,
        GexReply { host_key: b"K", f: number, signature: b"S" },
        hex!("21 00000001 4b 00000002 0080 00000001 53")
    );
}

#[test]
fn authentication() {
    assert_bytes!(
        UserauthRequest,
        UserauthRequest { user: b"me", service: b"s", method: b"none", data: Rest(b"xy") },
        hex!("32 00000002 6d65 00000001 73 00000004 6e6f6e65 7879"),
        open 2
    );
    assert_bytes!(
        UserauthFailure,
        UserauthFailure { methods: NameList(b"a,b"), partial_success: true },
        hex!("33 00000003 612c62 01")
    );
    assert_bytes!(UserauthSuccess, UserauthSuccess {}, hex!("34"));
    assert_bytes!(
        UserauthBanner,
        UserauthBanner { message: b"hi\n", language: b"" },
        hex!("35 00000003 68690a 00000000")
    );
    assert_bytes!(PkOk, PkOk { algorithm: b"a", public_key: b"K" }, hex!("3c 00000001 61 00000001 4b"));
    assert_bytes!(
        PasswdChangereq,
        PasswdChangereq { prompt: b"new?", language: b"" },
        hex!("3c 00000004 6e65773f 00000000")
    );
    assert_data!(
        PasswordRequest,
        PasswordRequest { password: b"pw", new_password: None },
        hex!("00 00000002 7077")
    );
    assert_data!(
        PasswordRequest,
        PasswordRequest { password: b"pw", new_password: Some(b"") },
        hex!("01 00000002 7077 00000000")
    );
    assert_data!(
        PublickeyRequest,
        PublickeyRequest { algorithm: b"a", public_key: b"K", signature: None },
        hex!("00 00000001 61 00000001 4b")
    );
    assert_data!(
        PublickeyRequest,
        PublickeyRequest { algorithm: b"a", public_key: b"K", signature: Some(b"S") },
        hex!("01 00000001 61 00000001 4b 00000001 53")
    );
    assert_data!(
        InteractiveRequest,
        InteractiveRequest { language: b"", submethods: b"pam" },
        hex!("00000000 00000003 70616d")
    );
    assert_data!(
        HostbasedRequest,
        HostbasedRequest { algorithm: b"a", host_key: b"K", host: b"h", local_user: b"u" },
        hex!("00000001 61 00000001 4b 00000001 68 00000001 75")
    );
}

#[test]
fn keyboard_interactive() {
    let prompts = [Prompt { text: b"Password: ", echo: false }, Prompt { text: b"", echo: true }];
    let payload = InfoRequest::to_payload_with(b"n", b"i", &prompts);
    let expected = hex!(
        "3c 00000001 6e 00000001 69 00000000 00000002
         0000000a 50617373776f72643a20 00 00000000 01"
    );
    assert_eq!(payload, expected);
    let message = InfoRequest::parse(&payload).unwrap();
    assert_eq!(message.prompts().collect::<Vec<_>>(), prompts);
    assert_bytes!(InfoRequest, message, expected);
    let none = InfoRequest::to_payload_with(b"", b"", &[]);
    assert_eq!(InfoRequest::parse(&none).unwrap().prompts().count(), 0);

    let expected = hex!("3d 00000002 00000002 7077 00000000");
    let message = InfoResponse::parse(&expected).unwrap();
    assert_eq!(message.answers().collect::<Vec<_>>(), [&b"pw"[..], b""]);
    assert_bytes!(InfoResponse, message, expected);
}

#[test]
fn connection() {
    assert_bytes!(
        GlobalRequest,
        GlobalRequest { name: b"x", want_reply: true, data: Rest(b"abc") },
        hex!("50 00000001 78 01 616263"),
        open 3
    );
    assert_bytes!(RequestSuccess, RequestSuccess { data: Rest(b"a") }, hex!("51 61"), open 1);
    assert_bytes!(RequestFailure, RequestFailure {}, hex!("52"));
    assert_bytes!(
        ChannelOpen,
        ChannelOpen { channel_type: b"x", sender: 1, window: 2, max_packet: 3, data: Rest(b"a") },
        hex!("5a 00000001 78 00000001 00000002 00000003 61"),
        open 1
    );
    assert_bytes!(
        ChannelOpenConfirmation,
        ChannelOpenConfirmation { recipient: 1, sender: 2, window: 3, max_packet: 4, data: Rest(b"a") },
        hex!("5b 00000001 00000002 00000003 00000004 61"),
        open 1
    );
    assert_bytes!(
        ChannelOpenFailure,
        ChannelOpenFailure { recipient: 1, reason: 2, description: b"no", language: b"" },
        hex!("5c 00000001 00000002 00000002 6e6f 00000000")
    );
    assert_bytes!(
        ChannelWindowAdjust,
        ChannelWindowAdjust { recipient: 1, bytes: u32::MAX },
        hex!("5d 00000001 ffffffff")
    );
    assert_bytes!(ChannelData, ChannelData { recipient: 1, data: b"ab" }, hex!("5e 00000001 00000002 6162"));
    assert_bytes!(
        ChannelExtendedData,
        ChannelExtendedData { recipient: 1, code: 1, data: b"ab" },
        hex!("5f 00000001 00000001 00000002 6162")
    );
    assert_bytes!(ChannelEof, ChannelEof { recipient: 1 }, hex!("60 00000001"));
    assert_bytes!(ChannelClose, ChannelClose { recipient: 1 }, hex!("61 00000001"));
    assert_bytes!(
        ChannelRequest,
        ChannelRequest { recipient: 1, request: b"x", want_reply: false, data: Rest(b"a") },
        hex!("62 00000001 00000001 78 00 61"),
        open 1
    );
    assert_bytes!(ChannelSuccess, ChannelSuccess { recipient: 1 }, hex!("63 00000001"));
    assert_bytes!(ChannelFailure, ChannelFailure { recipient: 1 }, hex!("64 00000001"));
}

#[test]
fn data_of_requests_and_channels() {
    assert_data!(TcpipForward, TcpipForward { address: b"*", port: 80 }, hex!("00000001 2a 00000050"));
    assert_data!(ForwardedPort, ForwardedPort { port: 80 }, hex!("00000050"));
    assert_data!(
        DirectTcpip,
        DirectTcpip { host: b"h", port: 1, originator: b"o", originator_port: 2 },
        hex!("00000001 68 00000001 00000001 6f 00000002")
    );
    assert_data!(
        ForwardedTcpip,
        ForwardedTcpip { address: b"h", port: 1, originator: b"o", originator_port: 2 },
        hex!("00000001 68 00000001 00000001 6f 00000002")
    );
    assert_data!(X11, X11 { originator: b"o", originator_port: 2 }, hex!("00000001 6f 00000002"));
    let size = TerminalSize { columns: 80, rows: 24, width: 640, height: 480 };
    assert_data!(TerminalSize, size, hex!("00000050 00000018 00000280 000001e0"));
    assert_data!(
        PtyReq,
        PtyReq { term: b"vt100", size, modes: b"\0" },
        hex!("00000005 7674313030 00000050 00000018 00000280 000001e0 00000001 00")
    );
    assert_data!(
        X11Req,
        X11Req { single: true, protocol: b"P", cookie: b"c0", screen: 1 },
        hex!("01 00000001 50 00000002 6330 00000001")
    );
    assert_data!(Env, Env { name: b"N", value: b"v" }, hex!("00000001 4e 00000001 76"));
    assert_data!(Exec, Exec { command: b"ls" }, hex!("00000002 6c73"));
    assert_data!(Subsystem, Subsystem { name: b"sftp" }, hex!("00000004 73667470"));
    assert_data!(XonXoff, XonXoff { client_can_do: true }, hex!("01"));
    assert_data!(Signal, Signal { name: b"TERM" }, hex!("00000004 5445524d"));
    assert_data!(Break, Break { length: 500 }, hex!("000001f4"));
    assert_data!(ExitStatus, ExitStatus { status: 255 }, hex!("000000ff"));
    assert_data!(
        ExitSignal,
        ExitSignal { name: b"SEGV", core_dumped: true, message: b"m", language: b"l" },
        hex!("00000004 53454756 01 00000001 6d 00000001 6c")
    );
}

#[test]
fn debug_output_shows_no_password() {
    let mut data = Vec::new();
    let request = PasswordRequest { password: b"hunter2", new_password: Some(b"hunter3") };
    request.encode(&mut data);
    let message = UserauthRequest { user: b"u", service: b"s", method: b"password", data: Rest(&data) };
    let response =
        InfoResponse::parse(&hex!("3d 00000001 00000007 68756e74657232")).map(|r| format!("{r:?}"));
    let secret = format!("{:?}", b"hunter2");
    for shown in [format!("{message:?}"), format!("{request:?}"), response.unwrap()] {
        assert!(!shown.contains("hunter") && !shown.contains(secret.trim_matches(['[', ']'])), "{shown}");
    }
}

/// Values for the fields of any message.
#[derive(Debug, Clone)]
struct Fields {
    strings: [Vec<u8>; 4],
    numbers: [u32; 4],
    flag: bool,
    rest: Vec<u8>,
}

fn fields() -> impl Strategy<Value = Fields> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..20);
    ([bytes(), bytes(), bytes(), bytes()], any::<[u32; 4]>(), any::<bool>(), bytes())
        .prop_map(|(strings, numbers, flag, rest)| Fields { strings, numbers, flag, rest })
}

proptest! {
    #[test]
    fn every_message_round_trips(fields in fields()) {
        let [a, b, c, d] = &fields.strings.each_ref().map(|string| &string[..]);
        let [i, j, k, l] = fields.numbers;
        let (flag, rest) = (fields.flag, Rest(&fields.rest));
        let (m, n) = (Mpint::from_signed(a), Mpint::from_unsigned(b));
        macro_rules! round_trip {
            ($($type:ident { $($field:ident : $value:expr),* })*) => {$(
                let message = $type { $($field: $value),* };
                let payload = message.to_payload();
                prop_assert_eq!($type::parse(&payload), Ok(message));
            )*};
        }
        round_trip! {
            Disconnect { reason: i, description: a, language: b }
            Ignore { data: a }
            Unimplemented { seq: i }
            Debug { always_display: flag, message: a, language: b }
            ServiceRequest { service: a }
            ServiceAccept { service: a }
            Ping { data: a }
            Pong { data: a }
            KexInit {
                cookie: [i as u8; 16], kex: NameList(a), host_key: NameList(b), cipher_c2s: NameList(c),
                cipher_s2c: NameList(d), mac_c2s: NameList(a), mac_s2c: NameList(b), compression_c2s: NameList(c),
                compression_s2c: NameList(d), language_c2s: NameList(a), language_s2c: NameList(b),
                first_kex_packet_follows: flag, reserved: j
            }
            DhInit { e: m }
            DhReply { host_key: c, f: n, signature: d }
            EcdhInit { q_c: a }
            EcdhReply { host_key: a, q_s: b, signature: c }
            GexRequestOld { bits: i }
            GexRequest { min: i, preferred: j, max: k }
            GexGroup { p: m, g: n }
            GexInit { e: n }
            GexReply { host_key: c, f: m, signature: d }
            UserauthRequest { user: a, service: b, method: c, data: rest }
            UserauthFailure { methods: NameList(a), partial_success: flag }
            UserauthBanner { message: a, language: b }
            PkOk { algorithm: a, public_key: b }
            PasswdChangereq { prompt: a, language: b }
            GlobalRequest { name: a, want_reply: flag, data: rest }
            RequestSuccess { data: rest }
            ChannelOpen { channel_type: a, sender: i, window: j, max_packet: k, data: rest }
            ChannelOpenConfirmation { recipient: i, sender: j, window: k, max_packet: l, data: rest }
            ChannelOpenFailure { recipient: i, reason: j, description: a, language: b }
            ChannelWindowAdjust { recipient: i, bytes: j }
            ChannelData { recipient: i, data: a }
            ChannelExtendedData { recipient: i, code: j, data: a }
            ChannelEof { recipient: i }
            ChannelClose { recipient: i }
            ChannelRequest { recipient: i, request: a, want_reply: flag, data: rest }
            ChannelSuccess { recipient: i }
            ChannelFailure { recipient: i }
        }
        macro_rules! data_round_trip {
            ($($type:ident { $($field:ident : $value:expr),* })*) => {$(
                let data = $type { $($field: $value),* };
                let mut bytes = Vec::new();
                data.encode(&mut bytes);
                prop_assert_eq!(Rest(&bytes).parse::<$type>(), Ok(data));
            )*};
        }
        let size = TerminalSize { columns: i, rows: j, width: k, height: l };
        data_round_trip! {
            InteractiveRequest { language: a, submethods: b }
            HostbasedRequest { algorithm: a, host_key: b, host: c, local_user: d }
            PasswordRequest { password: a, new_password: flag.then_some(*b) }
            PublickeyRequest { algorithm: a, public_key: b, signature: flag.then_some(*c) }
            TcpipForward { address: a, port: i }
            ForwardedPort { port: i }
            DirectTcpip { host: a, port: i, originator: b, originator_port: j }
            ForwardedTcpip { address: a, port: i, originator: b, originator_port: j }
            X11 { originator: a, originator_port: i }
            PtyReq { term: a, size: size, modes: b }
            X11Req { single: flag, protocol: a, cookie: b, screen: i }
            Env { name: a, value: b }
            Exec { command: a }
            Subsystem { name: a }
            XonXoff { client_can_do: flag }
            Signal { name: a }
            Break { length: i }
            ExitStatus { status: i }
            ExitSignal { name: a, core_dumped: flag, message: b, language: c }
        }
    }

    /// Whatever the bytes are, every message's parser answers, and what it accepts is written back as it was, but for
    /// booleans and mpints that are not in their one form.
    #[test]
    fn arbitrary_bytes_never_panic(number in 0..=255u8, bytes in prop::collection::vec(0..5u8, 0..60)) {
        let payload = [&[number][..], &bytes].concat();
        macro_rules! parse {
            ($($type:ident)*) => {$(
                if let Ok(message) = $type::parse(&[&[$type::NUMBER][..], &bytes].concat()) {
                    let again = message.to_payload();
                    prop_assert_eq!(again.len(), 1 + bytes.len());
                    prop_assert_eq!($type::parse(&again), Ok(message));
                }
                prop_assert!(number == $type::NUMBER || $type::parse(&payload).is_err());
            )*};
        }
        parse! {
            Disconnect Ignore Unimplemented Debug ServiceRequest ServiceAccept NewKeys NewCompress Ping Pong KexInit ExtInfo
            EcdhInit EcdhReply GexRequestOld GexRequest
            UserauthRequest UserauthFailure UserauthSuccess UserauthBanner PkOk PasswdChangereq InfoRequest InfoResponse
            GlobalRequest RequestSuccess RequestFailure ChannelOpen ChannelOpenConfirmation ChannelOpenFailure
            ChannelWindowAdjust ChannelData ChannelExtendedData ChannelEof ChannelClose ChannelRequest ChannelSuccess
            ChannelFailure
        }
        // The forms with mpints become shorter.
        let _ = (DhInit::parse(&payload), DhReply::parse(&payload), GexGroup::parse(&payload));
        let _ = (GexInit::parse(&payload), GexReply::parse(&payload));
        let mut reader = Reader::new(&bytes);
        let _ = (reader.read::<PasswordRequest<'_>>(), reader.read::<PublickeyRequest<'_>>());
    }
}
