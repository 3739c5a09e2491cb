#pragma once
#include <cassert>
#include <concepts>
#include <cstddef>
#include <span>

/// Numbers at fixed places of a packet. The caller has checked its size.
namespace qw::wire {

template <std::unsigned_integral T>
T get_big_endian(std::span<const std::byte> bytes, std::size_t at) {
  assert(at + sizeof(T) <= bytes.size());
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(value << 8U | std::to_integer<T>(bytes[at + i]));
  return value;
}
template <>
inline unsigned char get_big_endian<unsigned char>(std::span<const std::byte> bytes, std::size_t at) {
  assert(at < bytes.size());
  return std::to_integer<unsigned char>(bytes[at]);
}

template <std::unsigned_integral T>
void put_big_endian(std::span<std::byte> bytes, std::size_t at, T value) {
  assert(at + sizeof(T) <= bytes.size());
  for (std::size_t i = 0; i < sizeof(T); ++i)
    bytes[at + i] = static_cast<std::byte>(value >> (8U * (sizeof(T) - 1 - i)));
}

}  // namespace qw::wire
