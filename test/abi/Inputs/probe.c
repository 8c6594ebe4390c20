/* Debug information of everything that recorded.h declares: abidw sees types
 * through exported variables. */
#include <recorded.h>

__typeof__(&recorded) entry;
__typeof__(&recorded_last_error) last_error;
ladon_options *options;
ladon_status status;
DLDataTypeCode code;
