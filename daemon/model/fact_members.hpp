#pragma once
#include <set>
#include <string>

#include "daemon/model/facts.hpp"

namespace qw {

using MemberNames = std::set<std::string, std::less<>>;

/// Every member that was asked or spoken of.
MemberNames members_in(const Facts& facts);

}  // namespace qw
