//! The DSA key of RFC 6979 §A.2.1.

use hex_literal::hex;
use ssh_crypto::PrivateKey;

pub(crate) fn key() -> PrivateKey {
    PrivateKey::Dsa {
        p: hex!(
            "86f5ca03dcfeb225063ff830a0c769b9dd9d6153ad91d7ce27f787c43278b447"
            "e6533b86b18bed6e8a48b784a14c252c5be0dbf60b86d6385bd2f12fb763ed88"
            "73abfd3f5ba2e0a8c0a59082eac056935e529daf7c610467899c77adedfc846c"
            "881870b7b19b2b58f9be0521a17002e3bdd6b86685ee90b3d9a1b02b782b1779"
        )
        .to_vec(),
        q: hex!("996f967f6c8e388d9e28d01e205fba957a5698b1").to_vec(),
        g: hex!(
            "07b0f92546150b62514bb771e2a0c0ce387f03bda6c56b505209ff25fd3c133d"
            "89bbcd97e904e09114d9a7defdeadfc9078ea544d2e401aeecc40bb9fbbf78fd"
            "87995a10a1c27cb7789b594ba7efb5c4326a9fe59a070e136db77175464adca4"
            "17be5dce2f40d10a46a3a3943f26ab7fd9c0398ff8c76ee0a56826a8a88f1dbd"
        )
        .to_vec(),
        y: hex!(
            "5df5e01ded31d0297e274e1691c192fe5868fef9e19a84776454b100cf16f653"
            "92195a38b90523e2542ee61871c0440cb87c322fc4b4d2ec5e1e7ec766e1be8d"
            "4ce935437dc11c3c8fd426338933ebfe739cb3465f4d3668c5e473508253b1e6"
            "82f65cbdc4fae93c2ea212390e54905a86e2223170b44eaa7da5dd9ffcfb7f3b"
        )
        .to_vec(),
        x: X.as_slice().into(),
    }
}

/// The private number. It stands where nothing is written.
pub(crate) static X: [u8; 20] = hex!("411602cb19a6ccc34494d79d98ef1e7ed5af25f7");
