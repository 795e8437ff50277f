-- Moves a model's clock on, which runs only while somebody serves it. Called every
-- sweep by any number of keepers: what lies between two calls is counted once, and a
-- gap (nobody served, or the power was off) is not counted at all.
local clock, gap = key('clock', ARGV[1]), tonumber(ARGV[2])
local got = redis.call('HMGET', clock, 'seconds', 'seen')
local seconds, time = tonumber(got[1] or '0'), now()
if got[2] and time - tonumber(got[2]) < gap then
  seconds = seconds + time - tonumber(got[2])
end
redis.call('HSET', clock, 'seconds', string.format('%.3f', seconds),
  'seen', string.format('%.3f', time))
return 1
