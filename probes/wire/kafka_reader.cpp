#include "probes/wire/kafka_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace qw::wire::kafka {

std::string print(const Uuid& id) {
  if (std::ranges::all_of(id, [](std::uint8_t byte) { return byte == 0; })) return {};
  return fmt::format("{:02x}", fmt::join(id, ""));
}

std::uint32_t Reader::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    const auto byte = static_cast<std::uint8_t>(int8());
    value |= std::uint64_t{byte & 127U} << shift;
    if (byte < 128 && value <= UINT32_MAX) return static_cast<std::uint32_t>(value);
  }
  refuse("a varint of more than 32 bits");
  return 0;
}

Uuid Reader::uuid() {
  Uuid id{};
  std::ranges::copy(take(id.size()), id.begin());
  return id;
}

std::string_view Reader::text() {
  const auto value = nullable_text();
  if (!value) refuse("null where a text belongs");
  return value.value_or(std::string_view());
}

std::optional<std::string_view> Reader::nullable_text() {
  const auto count = length(false);
  if (!count) return std::nullopt;
  return take(*count);
}

std::string_view Reader::bytes() {
  return take(length(true).value_or(0));
}

std::size_t Reader::array(std::size_t least_bytes) {
  const std::size_t count = length(true).value_or(0);
  if (count > (bytes_.size() - at_) / least_bytes) {
    refuse("an array announces more elements than it has bytes");
    return 0;
  }
  if (count > elements_left_) {
    over_limit_ = ok();
    refuse("more array elements than are allowed in a reply");
    return 0;
  }
  elements_left_ -= count;
  return count;
}

std::optional<std::size_t> Reader::length(bool wide) {
  if (flexible_) {
    const std::uint32_t announced = varint();  // of length + 1
    if (announced == 0) return std::nullopt;
    return announced - 1;
  }
  const std::int32_t announced = wide ? int32() : int16();
  if (announced == -1) return std::nullopt;
  if (announced < 0) {
    refuse("a negative length");
    return 0;
  }
  return static_cast<std::size_t>(announced);
}

std::string_view Reader::take(std::size_t count) {
  if (count > bytes_.size() - at_) {
    refuse("it ends in the middle of a text");
    return {};
  }
  const std::string_view taken = bytes_.substr(at_, count);
  at_ += count;
  return taken;
}

void Reader::refuse(const char* what) {
  if (problem_ == nullptr) {
    problem_ = what;
    problem_at_ = at_;
  }
  // Whatever is read from here on finds the end.
  bytes_ = {};
  at_ = 0;
}

Result<void> Reader::end(std::string_view what) const {
  if (problem_ != nullptr) {
    const ErrorKind kind = over_limit_ ? ErrorKind::too_large : ErrorKind::protocol;
    return fail(kind, fmt::format("{}: {} at offset {}", what, problem_, problem_at_));
  }
  if (at_ != bytes_.size()) {
    return fail(ErrorKind::protocol,
                fmt::format("{}: {} bytes are left over at offset {}", what, bytes_.size() - at_, at_));
  }
  return {};
}

}  // namespace qw::wire::kafka
