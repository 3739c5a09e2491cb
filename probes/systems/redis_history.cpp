#include "probes/systems/redis_history.hpp"

namespace qw::probes {

void RedisHistory::amend(std::span<RedisSaid> said) {
  for (const RedisSaid& one : said) {
    if (const auto* node = std::get_if<RedisNodeSaid>(&one); node && node->role && !node->loading)
      learn(*node);
  }
  for (RedisSaid& one : said) {
    auto* const node = std::get_if<RedisNodeSaid>(&one);
    if (!node || node->loading || node->role != wire::RedisRole::master) continue;
    const Node& known = nodes_.at(node->member);
    node->tenure = known.tenure;
    const auto fork = fork_from(known.replid);
    if (!fork || !known.changes || known.unchanged_from > *fork) continue;
    if (node->info.repl_offset && *node->info.repl_offset > *fork) node->data_until = *fork;
  }
}

void RedisHistory::learn(const RedisNodeSaid& said) {
  const wire::RedisInfo& info = said.info;
  Node& node = nodes_[said.member];
  const bool leads = said.role == wire::RedisRole::master;
  const bool same_process = node.run_id == info.run_id && !info.run_id.empty();
  const bool same_history = same_process && node.replid == info.replid;
  const bool same_office = leads && node.leads && (same_history || (same_process && info.replid2.empty()));
  if (!same_office) node.tenure = info.replid;
  if (!same_history || node.changes != info.changes)
    node.unchanged_from = info.repl_offset.value_or(UINT64_MAX);
  node.run_id = info.run_id;
  node.replid = info.replid;
  node.replid2 = info.replid2;
  node.second_offset = info.second_offset;
  node.leads = leads;
  node.changes = info.changes;
}

/// Where somebody left this history: the last position that both have.
std::optional<std::uint64_t> RedisHistory::fork_from(const std::string& replid) const {
  for (const auto& [member, node] : nodes_) {
    if (node.replid2 == replid && node.second_offset && *node.second_offset > 0)
      return *node.second_offset - 1;
  }
  return std::nullopt;
}

}  // namespace qw::probes
