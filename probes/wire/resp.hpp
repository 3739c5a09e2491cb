#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/error.hpp"

/// The Redis serialization protocol, version 2 (redis.io, "Redis serialization protocol specification").
/// Version 3 is only spoken after HELLO 3, which we never send.
namespace qw::wire {

/// One value of a reply. Text is what the peer sent, not yet made harmless.
struct RespValue {
  enum class Kind : std::uint8_t { nil, simple, error, integer, bulk, array };

  Kind kind = Kind::nil;
  std::string text;              ///< of simple, error and bulk
  std::int64_t integer = 0;      ///< of integer
  std::vector<RespValue> items;  ///< of array

  bool is(Kind other) const { return kind == other; }
  /// A bulk or simple string: commands differ in which of the two they use, and nothing hangs on it.
  bool is_text() const { return kind == Kind::simple || kind == Kind::bulk; }
  bool operator==(const RespValue&) const = default;
};

/// A command as an array of bulk strings: the only form in which words may hold any byte.
std::string encode_command(std::span<const std::string_view> words);

/// What a peer may announce and send in one reply. Checked on the announcement, before anything is allocated
/// for it (facts/reliability-and-security.md 2.3: 12 bytes make hiredis alone allocate 1.77 GB).
struct RespLimits {
  std::size_t reply_bytes = std::size_t{1} << 20;  ///< a whole reply, with everything in it
  std::size_t line_bytes = std::size_t{1} << 14;   ///< a status or error line
  std::size_t elements = 100'000;                  ///< of all arrays in a reply together
  std::size_t depth = 8;                           ///< arrays in arrays; hiredis 0.14 ends here too
};

/// A byte stream to values. Every byte passes a scanner of our own first; hiredis sees only whole replies
/// that kept the limits.
class RespReader {
 public:
  explicit RespReader(const RespLimits& limits = {});
  ~RespReader();
  RespReader(RespReader&&) noexcept;
  RespReader& operator=(RespReader&&) noexcept;

  /// Takes bytes in any split. Call next() until it has nothing before feeding more: that is what bounds the
  /// memory.
  void feed(std::string_view bytes);
  /// The next whole reply, or nothing yet. Errors: too_large (a limit), protocol (what the protocol does not
  /// allow, with the offset in the reply). After an error the stream can not be read any further, and every
  /// call returns that error.
  Result<std::optional<RespValue>> next();
  /// True when no byte is waiting: what was fed ended with a reply.
  bool empty() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace qw::wire
