#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace qw::probes {

/// What the configured members are called by others. Redis nodes and Sentinels speak of each other by
/// address, and not always by the address under which we know them.
class RedisNames {
 public:
  explicit RedisNames(const std::vector<std::string>& members);

  /// The member was reached at this address and said that this is its run id; empty: not known.
  void learn(std::string_view member, std::string_view peer, std::string_view run_id);
  /// The member that is meant by an address or, where no member has that address (NAT, announced names), by a
  /// run id; "ip:port" when none is.
  std::string name_of(std::string_view host, std::uint16_t port, std::string_view run_id = {}) const;
  bool is_member(std::string_view name) const;

 private:
  struct Known {
    std::string member;
    std::string peer;
    std::string run_id;
  };
  std::vector<Known> known_;
};

}  // namespace qw::probes
