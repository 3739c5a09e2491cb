#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/members/finder.hpp"

namespace qw::members {

/// Something that people should know of a list of members.
struct News {
  enum class Kind : std::uint8_t { changed, failed, found_again };
  TargetId id;
  Kind kind = Kind::changed;
  std::string text;               ///< "a, b, c (c is new)", or why there may be others
  std::vector<std::string> gone;  ///< who is a member no more
};

/// How things stand with one target whose members are found.
struct Standing {
  TargetId id;
  std::size_t found = 0;
  bool failed = false;  ///< what was found last may not be all, or not be so any more
};

/// Looks for the members of the targets that do not name them, for as long as the daemon runs.
class Watch {
 public:
  static constexpr Nanoseconds kLookEvery = std::chrono::seconds(5);
  /// For DNS, in all.
  static constexpr Nanoseconds kPatience = std::chrono::seconds(2);

  struct Told {
    /// The target has other members: gives it a probe for them. An error: it goes on as it is.
    std::function<Result<void>(const TargetId&, const config::FoundPlan&, std::uint64_t fingerprint)> changed;
    std::function<void(const News&)> news;
  };
  Watch(Tools tools, Told told) : tools_(tools), told_(std::move(told)) {}

  /// Before a configuration is put into effect: looks for all members at once and gives its targets what was
  /// found, or what the same lists gave before.
  Task<std::shared_ptr<Targets>> prepare(config::Config& config);
  /// The configuration is in effect.
  void adopt(std::shared_ptr<Targets> targets);

  /// Looks every kLookEvery.
  Task<void> run();
  Task<void> look_once();
  std::vector<Standing> standings() const;

 private:
  Task<void> settle(std::shared_ptr<Targets> targets, Target& target);
  void tell_change(const TargetId& id, const config::Found& before, const config::Found& now) const;
  void tell_problems(Target& target, std::vector<std::string> problems) const;

  Tools tools_;
  Told told_;
  std::shared_ptr<Targets> targets_ = std::make_shared<Targets>();
};

}  // namespace qw::members
