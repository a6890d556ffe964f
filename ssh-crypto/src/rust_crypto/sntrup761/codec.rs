//! Polynomials as bytes.

use super::{
    field,
    poly::{P, Poly},
};

const Q: i32 = field::Q as i32;
const HALF: i32 = field::HALF as i32;

/// A polynomial modulo q, in bytes.
pub(super) const RQ: usize = 1158;
/// One whose coefficients are multiples of 3.
pub(super) const ROUNDED: usize = 1007;
/// One whose coefficients are -1, 0 and 1.
pub(super) const SMALL: usize = P.div_ceil(4);

/// How many multiples of 3 there are modulo q.
const THIRDS: u32 = (Q as u32).div_ceil(3);
/// Ranges are kept below this: then two numbers fit into 28 bits, and what is over leaves as bytes.
const LIMIT: u32 = 1 << 14;

pub(super) fn encode_rq(poly: &Poly) -> Vec<u8> {
    encode(poly.iter().map(|&x| ((i32::from(x) + HALF) as u32, Q as u32)).collect())
}

pub(super) fn decode_rq(bytes: &[u8]) -> Option<Poly> {
    (bytes.len() == RQ).then(|| to_poly(&decode(bytes, &[Q as u32; P]), |x| x - HALF))
}

pub(super) fn encode_rounded(poly: &Poly) -> Vec<u8> {
    // A multiple of 3 below 2¹⁴, divided by multiplication.
    let third = |x: i16| ((i32::from(x) + HALF) as u32 * 10_923) >> 15;
    encode(poly.iter().map(|&x| (third(x), THIRDS)).collect())
}

pub(super) fn decode_rounded(bytes: &[u8]) -> Option<Poly> {
    (bytes.len() == ROUNDED).then(|| to_poly(&decode(bytes, &[THIRDS; P]), |x| 3 * x - HALF))
}

/// Four coefficients to a byte, the first in the lowest bits.
pub(super) fn encode_small(poly: &Poly) -> [u8; SMALL] {
    let mut bytes = [0; SMALL];
    for (byte, coefficients) in bytes.iter_mut().zip(poly.chunks(4)) {
        *byte = coefficients.iter().rev().fold(0, |byte, &x| byte << 2 | (x + 1) as u8);
    }
    bytes
}

fn to_poly(numbers: &[u32], with: impl Fn(i32) -> i32) -> Poly {
    let mut poly = Poly::zero();
    poly.iter_mut().zip(numbers).for_each(|(to, &number)| *to = with(number as i32) as i16);
    poly
}

/// Numbers, each with what it is below, as bytes: two become one, whose lowest bytes are written, until one is left.
/// The ranges alone decide what happens.
fn encode(mut numbers: Vec<(u32, u32)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    while numbers.len() > 1 {
        numbers = numbers
            .chunks(2)
            .map(|pair| match *pair {
                [(low, low_range), (high, high_range)] => {
                    let (mut number, mut range) = (low + high * low_range, low_range * high_range);
                    while range >= LIMIT {
                        bytes.push(number as u8);
                        (number, range) = (number >> 8, range.div_ceil(256));
                    }
                    (number, range)
                }
                _ => pair[0],
            })
            .collect();
    }
    for (mut number, mut range) in numbers {
        while range > 1 {
            bytes.push(number as u8);
            (number, range) = (number >> 8, range.div_ceil(256));
        }
    }
    bytes
}

/// The other way, of bytes that are public. Whatever they are, each number is within its range. Bytes that are missing count
/// as 0.
fn decode(bytes: &[u8], ranges: &[u32]) -> Vec<u32> {
    let mut bytes = bytes.iter().map(|&byte| u32::from(byte));
    // From the whole to pairs of pairs: which bytes were written for which pair, lowest first.
    let mut levels = vec![(ranges.to_vec(), Vec::new())];
    while let Some((ranges, low)) = levels.last_mut().filter(|(ranges, _)| ranges.len() > 1) {
        let mut next = Vec::with_capacity(ranges.len().div_ceil(2));
        for pair in ranges.chunks(2) {
            let [first, second] = *pair else {
                next.push(pair[0]);
                continue;
            };
            let (mut range, mut unit, mut number) = (first * second, 1, 0);
            while range >= LIMIT {
                number += unit * bytes.next().unwrap_or_default();
                (range, unit) = (range.div_ceil(256), unit * 256);
            }
            low.push((number, unit));
            next.push(range);
        }
        levels.push((next, Vec::new()));
    }
    let mut numbers = Vec::new();
    if let Some((range, _)) = levels.pop().as_ref().and_then(|(ranges, low)| Some((*ranges.first()?, low))) {
        let (mut left, mut unit, mut number) = (range, 1, 0);
        while left > 1 {
            number += unit * bytes.next().unwrap_or_default();
            (left, unit) = (left.div_ceil(256), unit * 256);
        }
        numbers.push(number % range);
    }
    for (ranges, low) in levels.into_iter().rev() {
        let mut low = low.into_iter();
        let mut next = Vec::with_capacity(ranges.len());
        for (pair, &number) in ranges.chunks(2).zip(&numbers) {
            match *pair {
                [first, second] => {
                    let (lowest, unit) = low.next().unwrap_or((0, 1));
                    let number = lowest + unit * number;
                    next.extend([number % first, number / first % second]);
                }
                _ => next.push(number),
            }
        }
        numbers = next;
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(with: impl Fn(usize) -> i32) -> Poly {
        let mut poly = Poly::zero();
        poly.iter_mut().enumerate().for_each(|(at, x)| *x = with(at) as i16);
        poly
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        for step in [0, 1, 7, 1000, 4590] {
            let poly = filled(|at| (at as i32 * step) % Q - HALF);
            let bytes = encode_rq(&poly);
            assert_eq!(bytes.len(), RQ);
            assert!(**decode_rq(&bytes).as_ref().unwrap() == *poly);
            let poly = filled(|at| (at as i32 * step) % 1531 * 3 - HALF);
            let bytes = encode_rounded(&poly);
            assert_eq!(bytes.len(), ROUNDED);
            assert!(**decode_rounded(&bytes).as_ref().unwrap() == *poly);
        }
        assert_eq!(
            encode_small(&filled(|at| at as i32 % 3 - 1))[..3],
            [0b00_10_01_00, 0b01_00_10_01, 0b10_01_00_10]
        );
    }

    #[test]
    fn any_bytes_are_some_polynomial() {
        for byte in [0, 1, 0x7f, 0xff] {
            assert!(decode_rq(&[byte; RQ]).unwrap().iter().all(|&x| i32::from(x).abs() <= HALF));
            assert!(decode_rounded(&[byte; ROUNDED]).unwrap().iter().all(|&x| i32::from(x).abs() <= HALF));
        }
        assert!(decode_rq(&[0; RQ - 1]).is_none() && decode_rounded(&[0; ROUNDED + 1]).is_none());
    }
}
