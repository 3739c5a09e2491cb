#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace qw::wire::kafka {

/// The error codes of the Kafka protocol that matter to one who only reads; others keep their number.
enum class ErrorCode : std::int16_t {
  unknown_server_error = -1,
  none = 0,
  offset_out_of_range = 1,
  unknown_topic_or_partition = 3,
  leader_not_available = 5,
  not_leader_or_follower = 6,
  request_timed_out = 7,
  broker_not_available = 8,
  replica_not_available = 9,
  network_exception = 13,
  coordinator_load_in_progress = 14,
  coordinator_not_available = 15,
  not_coordinator = 16,
  invalid_topic = 17,
  invalid_group_id = 24,
  topic_authorization_failed = 29,
  group_authorization_failed = 30,
  cluster_authorization_failed = 31,
  unsupported_sasl_mechanism = 33,
  illegal_sasl_state = 34,
  unsupported_version = 35,
  not_controller = 41,
  invalid_request = 42,
  unsupported_for_message_format = 43,
  security_disabled = 54,
  kafka_storage_error = 56,
  sasl_authentication_failed = 58,
  group_id_not_found = 69,
  listener_not_found = 72,
  fenced_leader_epoch = 74,
  unknown_leader_epoch = 75,
  offset_not_available = 78,
  unstable_offset_commit = 88,
  throttling_quota_exceeded = 89,
  unknown_topic_id = 100,
  inconsistent_topic_id = 103,
  mismatched_endpoint_type = 114,
};

/// "NOT_COORDINATOR"; empty for a code that is not in the list.
std::string_view name(ErrorCode code);
/// "NOT_COORDINATOR (16)", "error 87": for messages.
std::string describe(ErrorCode code);
/// Whether asking another broker, or the same one a moment later, can help: somebody moved or is starting.
bool is_passing(ErrorCode code);
/// Whether the user lacks a right, or is not who it says.
bool is_refusal(ErrorCode code);

}  // namespace qw::wire::kafka
