#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/base/error.hpp"
#include "tests/lab/delayline/link.hpp"

namespace qw::lab {

/// A frame as the kernel hands it over: its virtio header first, which says what of its checksum is still to
/// be done, then Ethernet.
struct Frame {
  static constexpr std::size_t kHeader = 10;
  std::vector<std::uint8_t> bytes;
  Nanoseconds arrived{};  ///< by the kernel's own stamp, CLOCK_REALTIME

  std::uint64_t destination() const { return address(0); }
  std::uint64_t source() const { return address(6); }

 private:
  std::uint64_t address(std::size_t at) const;
};

/// A network interface, all of whose frames go through us. The kernel stamps each that comes and each that
/// leaves, so that what was truly added to its way is known whatever this process is kept from.
class Port {
 public:
  static Result<std::unique_ptr<Port>> open(const std::string& interface);
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  int descriptor() const { return descriptor_; }
  const std::string& interface() const { return interface_; }
  /// The next frame that has come; nothing when there is none.
  std::optional<Frame> receive();
  /// Its number, counted from 0, as in `Left`; nothing when the interface did not take it.
  std::optional<std::uint32_t> send(const Frame& frame);

  struct Left {
    std::uint32_t number = 0;
    Nanoseconds at{};  ///< by the kernel's own stamp, CLOCK_REALTIME
  };
  /// The next stamp of a frame that has left; nothing when there is none.
  std::optional<Left> left();

 private:
  Port(int descriptor, std::string interface);
  int descriptor_;
  std::string interface_;
  std::uint32_t sent_ = 0;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace qw::lab
