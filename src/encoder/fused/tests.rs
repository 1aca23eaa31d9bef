use super::ChannelScales;

#[test]
fn channel_scales_survive_writing_and_reading_and_other_bytes_are_refused() {
    let scales = ChannelScales::builtin();
    let bytes = scales.to_bytes().expect("they write");
    assert_eq!(ChannelScales::from_bytes(&bytes).expect("they read"), scales);
    assert!(ChannelScales::from_bytes(&bytes[..100]).is_err());
    let mut negative = bytes;
    let last = negative.len() - 1;
    negative[last] |= 0x80;
    assert!(ChannelScales::from_bytes(&negative).expect_err("a negative root").to_string().contains("channels"));
}

#[test]
fn wide_channels_give_range_to_narrow_ones() {
    let mut weights = vec![0.1; 2 * 384];
    weights[7] = 0.4;
    let factors = ChannelScales(vec![1.0; 12 * 384]).code_factors(3, &weights);
    assert!((factors[7] / factors[8] - 2.0).abs() < 1e-6, "√(0.4 / 0.1)");
    assert_eq!(ChannelScales::flat().code_factors(0, &weights), vec![1.0; 384]);
}
