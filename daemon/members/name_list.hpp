#pragma once
#include <string>
#include <vector>

#include "config/addresses.hpp"
#include "daemon/members/file_list.hpp"
#include "daemon/net/resolver.hpp"

namespace qw::members {

/// The names of one list that DNS is asked for, from look to look. A value, as FileList is.
class NameList {
 public:
  explicit NameList(const config::AddressSources& sources);

  /// Whether it is time to ask, or has never been asked.
  bool due(SteadyTime now) const { return !names_.empty() && now >= next_; }
  /// Asks for all names at the same time, by `deadline`. A name without an answer keeps what it gave last.
  static Task<NameList> look(NameList list, net::Resolver& resolver, SteadyTime now, SteadyTime deadline);
  /// What the last look found.
  Look found() const;

 private:
  struct Name {
    std::string text;
    std::vector<std::string> addresses;  ///< the last good ones
    std::string problem;                 ///< why there are no newer ones
  };

  std::vector<Name> names_;
  config::AddressRule rule_;
  Nanoseconds refresh_;
  SteadyTime next_ = SteadyTime::min();
};

}  // namespace qw::members
