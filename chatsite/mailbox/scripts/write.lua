-- Adds text, renews the lease and reads the stop flag, in one round trip.
local id, token, offset, text = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local tokens, lease, logprobs, logprobs_offset = ARGV[5], tonumber(ARGV[6]), ARGV[7], ARGV[8]
if not holds(id, token) then return {'refused', 0} end

local held = write_text(id, offset, text, tokens)
local held_logprobs = write_logprobs(id, logprobs_offset, logprobs)
redis.call('ZADD', LEASES, now() + lease, id)
if redis.call('HEXISTS', key('reply', id), 'stop') == 1 then return {'stop', held, held_logprobs} end
return {'kept', held, held_logprobs}
