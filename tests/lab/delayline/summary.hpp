#pragma once
#include <cstdint>
#include <span>
#include <string>

namespace qw::lab {

/// What a packet is, in words that tell it from others: "10.0.0.1 10.0.0.2 icmp 8 77 3" (type, identifier,
/// sequence number), "... udp 40000 862 000000070011..." (ports, first 16 bytes), "... tcp 40000 2379 2"
/// (ports, flags); another protocol is its number. From the Ethernet header on.
std::string summary(std::span<const std::uint8_t> frame);

}  // namespace qw::lab
