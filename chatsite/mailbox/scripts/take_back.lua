-- Takes back every entry whose lease ran out, and counts the loss; it keeps its place in
-- line. Returns {id, attempt, model, new state, losses, lost worker} for each. One that
-- cannot be read is 'forgotten', and stops no other.
local limit, lost_ending = tonumber(ARGV[1]), ARGV[2]
local taken = {}

local function take_back(id)
  if redis.call('EXISTS', key('reply', id)) == 0 then return end
  local got = redis.call('HMGET', key('reply', id), 'attempt', 'model', 'stop', 'worker', 'losses')
  local fate, losses = 'queued', number(got[5], 0) + 1
  redis.call('HSET', key('reply', id), 'losses', losses)
  if not (number(got[1]) and got[2]) then
    fate = 'forgotten'
    forget(id)
  elseif got[3] then
    fate = 'stopped'
    finish(id, fate, '{}')
  elseif losses >= limit then
    fate = 'failed'
    finish(id, fate, lost_ending)
  else
    stand_in_line(id)
    touch_owner_of(id)
  end
  redis.call('HINCRBY', COUNTS, 'losses', 1)
  taken[#taken + 1] = {id, number(got[1], 0), got[2] or '', fate, losses, got[4] or ''}
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', now())) do
  redis.call('ZREM', LEASES, id)
  if not pcall(take_back, id) then
    forget(id)
    taken[#taken + 1] = {id, 0, '', 'forgotten', 0, ''}
  end
end
return taken
