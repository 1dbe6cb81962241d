//! One run of integers, of either version of the encoding, from its bytes to its values.

use super::super::fault::Fault;
use super::super::stream::ByteStream;
use super::integer::{varint, zigzag};
use super::packed;

/// A run of the first version: a step from one value to the next, or literals.
pub(super) fn first_version(stream: &mut ByteStream, signed: bool, out: &mut Vec<i64>) -> Result<(), Fault> {
    let control = stream.byte()?;
    if control < 0x80 {
        let step = i64::from(stream.byte()?.cast_signed());
        let base = varint(stream, signed)?;
        arithmetic(base, step, usize::from(control).saturating_add(3), out);
    } else {
        for _ in 0..control.wrapping_neg() {
            let value = varint(stream, signed)?;
            out.push(value);
        }
    }
    Ok(())
}

/// A run of the second version: one of four kinds, which the two highest bits name.
pub(super) fn second_version(
    stream: &mut ByteStream,
    signed: bool,
    scratch: &mut Vec<u8>,
    out: &mut Vec<i64>,
) -> Result<(), Fault> {
    let first = stream.byte()?;
    match first >> 6 {
        0 => short_repeat(first, stream, signed, scratch, out),
        1 => direct(first, stream, signed, scratch, out),
        2 => patched_base(first, stream, scratch, out),
        _ => delta(first, stream, signed, scratch, out),
    }
}

fn short_repeat(
    first: u8,
    stream: &mut ByteStream,
    signed: bool,
    scratch: &mut Vec<u8>,
    out: &mut Vec<i64>,
) -> Result<(), Fault> {
    let width = usize::from(first >> 3 & 0x07).saturating_add(1);
    let count = usize::from(first & 0x07).saturating_add(3);
    let value = big_endian(stream, width, scratch)?;
    let value = if signed { zigzag(value.cast_unsigned()) } else { value };
    out.resize(out.len().saturating_add(count), value);
    Ok(())
}

fn direct(
    first: u8,
    stream: &mut ByteStream,
    signed: bool,
    scratch: &mut Vec<u8>,
    out: &mut Vec<i64>,
) -> Result<(), Fault> {
    let width = packed::width(first >> 1);
    let count = length(first, stream)?.saturating_add(1);
    let from = out.len();
    unpack(stream, count, width, scratch, out)?;
    if signed {
        for value in out.iter_mut().skip(from) {
            *value = zigzag(value.cast_unsigned());
        }
    }
    Ok(())
}

/// Values as their distance from a base, with the highest bits of the few that are far from it kept apart.
fn patched_base(
    first: u8,
    stream: &mut ByteStream,
    scratch: &mut Vec<u8>,
    out: &mut Vec<i64>,
) -> Result<(), Fault> {
    let width = packed::width(first >> 1);
    let count = length(first, stream)?.saturating_add(1);
    let (third, fourth) = (stream.byte()?, stream.byte()?);
    let base_bytes = usize::from(third >> 5).saturating_add(1);
    let patch_width = packed::width(third);
    let gap_width = u32::from(fourth >> 5).saturating_add(1);
    let patch_count = usize::from(fourth & 0x1f);
    let patch_bits = patch_width.saturating_add(gap_width);
    if patch_bits > 64 {
        return Err(Fault::Damaged(format!("patches of {patch_bits} bits")));
    }
    let base = sign_and_magnitude(big_endian(stream, base_bytes, scratch)?, base_bytes);
    let from = out.len();
    unpack(stream, count, width, scratch, out)?;
    let mut patches = Vec::with_capacity(patch_count);
    unpack(stream, patch_count, packed::at_least(patch_bits), scratch, &mut patches)?;

    let mask = u64::MAX >> 64_u32.saturating_sub(patch_width);
    let mut index = from;
    for patch in patches {
        let patch = patch.cast_unsigned();
        let gap = patch.checked_shr(patch_width).unwrap_or(0);
        index = index.saturating_add(usize::try_from(gap).unwrap_or(usize::MAX));
        // A gap of 255 without bits only reaches further.
        let bits = patch & mask;
        if bits == 0 && gap == 255 {
            continue;
        }
        if bits > 0 && bits.leading_zeros() < width {
            return Err(Fault::damaged("a patch makes a value of more than 64 bits"));
        }
        let high = bits.checked_shl(width).unwrap_or(0).cast_signed();
        let value = out.get_mut(index).ok_or_else(|| Fault::damaged("a patch lies beyond its run"))?;
        *value |= high;
    }
    for value in out.iter_mut().skip(from) {
        *value = value.wrapping_add(base);
    }
    Ok(())
}

fn delta(
    first: u8,
    stream: &mut ByteStream,
    signed: bool,
    scratch: &mut Vec<u8>,
    out: &mut Vec<i64>,
) -> Result<(), Fault> {
    let fixed = first >> 1 & 0x1f == 0;
    let more = length(first, stream)?;
    let base = varint(stream, signed)?;
    let step = varint(stream, true)?;
    if fixed {
        arithmetic(base, step, more.saturating_add(1), out);
        return Ok(());
    }
    if more == 0 {
        return Err(Fault::damaged("a run of one value with steps"));
    }
    let mut last = base.wrapping_add(step);
    out.push(base);
    out.push(last);
    let from = out.len();
    unpack(stream, more.saturating_sub(1), packed::width(first >> 1), scratch, out)?;
    for value in out.iter_mut().skip(from) {
        last = if step < 0 { last.wrapping_sub(*value) } else { last.wrapping_add(*value) };
        *value = last;
    }
    Ok(())
}

fn arithmetic(base: i64, step: i64, count: usize, out: &mut Vec<i64>) {
    if step == 0 {
        out.resize(out.len().saturating_add(count), base);
        return;
    }
    let mut value = base;
    for _ in 0..count {
        out.push(value);
        value = value.wrapping_add(step);
    }
}

/// The nine bits of length that most kinds of runs have.
fn length(first: u8, stream: &mut ByteStream) -> Result<usize, Fault> {
    Ok(usize::from(first & 1) << 8 | usize::from(stream.byte()?))
}

fn unpack(
    stream: &mut ByteStream,
    count: usize,
    width: u32,
    scratch: &mut Vec<u8>,
    out: &mut Vec<i64>,
) -> Result<(), Fault> {
    let bytes = packed::bytes(count, width);
    let ahead = stream.ahead()?;
    if let Some(packed) = ahead.get(..bytes) {
        packed::unpack(packed, count, width, out);
        stream.consume(bytes);
        return Ok(());
    }
    scratch.clear();
    stream.read(bytes, scratch)?;
    packed::unpack(scratch, count, width, out);
    Ok(())
}

fn big_endian(stream: &mut ByteStream, count: usize, scratch: &mut Vec<u8>) -> Result<i64, Fault> {
    scratch.clear();
    stream.read(count, scratch)?;
    Ok(packed::big_endian(scratch))
}

/// The base of a patched run: its highest bit is the sign.
fn sign_and_magnitude(value: i64, bytes: usize) -> i64 {
    let sign = 1_u64.wrapping_shl(u32::try_from(bytes.saturating_mul(8).saturating_sub(1)).unwrap_or(63));
    let value = value.cast_unsigned();
    if value & sign == 0 { value.cast_signed() } else { (value & !sign).cast_signed().wrapping_neg() }
}
