#pragma once
#include <cstddef>
#include <string_view>
#include <vector>

/// What chronyd 4.3 (Debian 12) answered, by NTP and by its command protocol; its reference clock was 0.25 s
/// ahead of the machine.
namespace qw::wire {

inline std::vector<std::byte> from_hex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  return bytes;
}

inline constexpr std::string_view kRecordedNtp =
    "240100e6000000010000000146414b45eeac4f0dfb4668de1112131415161718eeac4f0ebe254637eeac4f0ebe261fc6";
/// Before it had a source.
inline constexpr std::string_view kRecordedNtpUnsynchronised =
    "e40000e600010000000100000000000000000000000000001112131415161718eeac4f0a5a7c58b5eeac4f0a5b63c2de";
inline constexpr std::string_view kRecordedTracking =
    "0602000000210005000000000000000001020304000000000000000046414b450000000000000000000000000000000000000000"
    "00010000000000006b01d08d3a8128cc00800000f9725fabf4b82a06b9412b08b5018eb5dc8637d9c889705fdcec58810280076"
    "6";
inline constexpr std::string_view kRecordedSourceCount =
    "06020000000e0002000000000000000001020304000000000000000000000001";
inline constexpr std::string_view kRecordedSource =
    "06020000000f0003000000000000000001020304000000000000000046414b4500000000000000000000000000010000ffff0000"
    "00000002000000ff00000000f9725fab92800000dc8648eb";
inline constexpr std::string_view kRecordedWrongLength =
    "06020000002100010013000000000000010203040000000000000000";
inline constexpr std::string_view kRecordedNotAuthorised =
    "06020000003900010002000000000000010203040000000000000000";

}  // namespace qw::wire
