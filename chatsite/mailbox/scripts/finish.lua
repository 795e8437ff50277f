-- The last text and the end, in one step; then corrects what the share was charged.
local id, token, offset, text = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local tokens, outcome, ending, cost = ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8])
if not holds(id, token) then return {'refused', 0} end

local held = write_text(id, offset, text, tokens)
if held < offset then return {'again', held} end

local got = redis.call('HMGET', key('reply', id), 'model', 'share', 'cost')
if redis.call('ZSCORE', key('tags', got[1]), got[2]) then
  redis.call('ZINCRBY', key('tags', got[1]), cost - tonumber(got[3]), got[2])
end
finish(id, outcome, ending)
return {'kept', held}
