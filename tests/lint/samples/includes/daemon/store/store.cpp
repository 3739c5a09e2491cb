#include <re2/re2.h>
#include "daemon/model/round.hpp"
#include "probes/signals/leadership.hpp"  // BAD
#include "daemon/app.hpp"  // BAD
#include "store.hpp"  // BAD
